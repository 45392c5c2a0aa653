"""One reader for every way in which a mask is stored: right by hand, or refused with both readings.

The same masks go through the data source of class folders, where they must mean the same.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.datasets.sources import FolderSource
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.datasets.sources.masks import mask_label, read_label_map

OVAL = (np.mgrid[:40, :60][0] - 22) ** 2 + (np.mgrid[:40, :60][1] - 20) ** 2 < 150
BINARY = OVAL.astype(np.uint8) * 255
RIM = np.roll(OVAL, 1, 0) & ~OVAL


def _palette(indices: np.ndarray, *colours: tuple[int, int, int]) -> Image.Image:
    image = Image.fromarray(indices.astype(np.uint8))
    image.putpalette([part for colour in colours for part in colour])
    return image


def _rgb(foreground, background=(0, 0, 0)) -> np.ndarray:
    return np.where(OVAL[..., None], foreground, background).astype(np.uint8)


def _with_alpha(mode: str) -> Image.Image:
    image = Image.new(mode[:-1], (60, 40), 'white').convert(mode)
    image.putalpha(Image.fromarray(BINARY))
    return image


VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
WHITE_FIRST = Image.fromarray(BINARY).convert('P', palette=Image.Palette.ADAPTIVE, colors=2)
RED_FIRST = Image.fromarray(_rgb((200, 9, 9))).convert(
    'P', palette=Image.Palette.ADAPTIVE, colors=2
)
FORMS = {
    'grey': Image.fromarray(BINARY),
    'bilevel': Image.fromarray(BINARY).convert('1'),
    'zeros and ones': Image.fromarray(OVAL.astype(np.uint8)),
    'white first': WHITE_FIRST,
    'black first': _palette(OVAL, (0, 0, 0), (255, 255, 255)),
    'white at 7': _palette(OVAL * 7, *[(0, 0, 0)] * 7, (255, 255, 255)),
    'colours of VOC': _palette(OVAL, *VOC),
    'one colour first': RED_FIRST,
    'one colour': Image.fromarray(_rgb((61, 61, 245))),
    'white in three channels': Image.fromarray(_rgb((255, 255, 255))),
    'alpha of RGB': _with_alpha('RGBA'),
    'alpha of grey': _with_alpha('LA'),
    'painted on nothing': Image.fromarray(np.dstack([_rgb((255, 0, 0)), BINARY])),
    'alpha that says nothing': Image.fromarray(np.dstack([_rgb((255, 255, 255)), BINARY * 0 + 9])),
    '16 bits': Image.fromarray(BINARY.astype(np.uint16) * 257),
    '16 bits, small': Image.fromarray(BINARY.astype(np.uint16)),
}


def _folder(tmp_path: Path, image: Image.Image, **kwargs) -> FolderSource:
    (tmp_path / 'oval').mkdir(exist_ok=True)
    Image.new('RGB', image.size).save(tmp_path / 'oval/1.jpg')
    image.save(tmp_path / 'oval/1.png')
    return FolderSource(str(tmp_path), index_dir=None, **kwargs)


@pytest.mark.parametrize('form', FORMS)
def test_every_form_of_one_mask(tmp_path, form) -> None:
    assert WHITE_FIRST.getpalette()[:3] == [255, 255, 255] and RED_FIRST.getpalette()[0] > 0
    image = FORMS[form]
    np.testing.assert_array_equal(mask_label(image), OVAL)
    source = _folder(tmp_path, image, foreground_values=(1,) if form in _ONES else (255,))
    np.testing.assert_array_equal(source.label_map(0, (0,)), OVAL)
    np.testing.assert_array_equal(mask_label(str(tmp_path / 'oval/1.png')), OVAL)


_ONES = ('zeros and ones', 'colours of VOC', 'white first', 'black first')


@pytest.mark.parametrize('form', ['white in three channels', 'one colour', 'painted on nothing'])
def test_arrays_are_read_as_files(form) -> None:
    array = np.array(FORMS[form])
    order = [2, 1, 0, 3][: array.shape[2]]
    np.testing.assert_array_equal(mask_label(array[..., order]), OVAL)
    np.testing.assert_array_equal(mask_label(array[..., order] * 1.0), OVAL)


@pytest.mark.parametrize('threshold', [None, 128])
@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('form', ['grey', 'white first', 'alpha of RGB', '16 bits'])
def test_masks_are_turned_as_images_are(tmp_path, write_image, form, orientation, threshold):
    from mmcv import imread

    image = FORMS[form]
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'mask.png', exif=exif)
    FORMS['grey'].save(tmp_path / 'image.jpg', exif=exif, quality=100)
    photograph = imread(str(tmp_path / 'image.jpg'), flag='grayscale') > 127
    np.testing.assert_array_equal(mask_label(tmp_path / 'mask.png', threshold), photograph)


CLASSES = np.where(OVAL, 15, 0) + np.where(RIM, 255, 0)
EXPECTED = np.where(OVAL, 1, 0) + np.where(RIM, 255, 0)


@pytest.mark.parametrize('with_palette', [True, False])
def test_one_of_several_values_is_chosen(tmp_path, with_palette) -> None:
    image = Image.fromarray(CLASSES.astype(np.uint8))
    if with_palette:
        image = _palette(CLASSES, *VOC, *[(9, 8, 7)] * 253)
    with pytest.raises(ValueError, match=r'found \[0, 15, 255\].*mask_value=15') as caught:
        mask_label(image)
    assert 'threshold' not in str(caught.value)
    np.testing.assert_array_equal(mask_label(image, value=15), EXPECTED)
    source = _folder(tmp_path, image, mask_value=15)
    np.testing.assert_array_equal(source.label_map(0, (0,)), EXPECTED)
    with pytest.raises(ValueError, match=r'no pixel has mask_value=7; the mask has \[0, 15, 255\]'):
        mask_label(image, value=7)


def test_one_of_several_colours_is_chosen() -> None:
    colours = _rgb((200, 10, 10))
    colours[RIM] = 10, 200, 10
    for mask in (Image.fromarray(colours), colours[..., ::-1]):
        with pytest.raises(ValueError, match=r'\(10, 200, 10\), \(200, 10, 10\).*mask_value='):
            mask_label(mask)
        np.testing.assert_array_equal(mask_label(mask, value=(200, 10, 10)), OVAL)
    with pytest.raises(ValueError, match=r'no pixel has mask_value=\(1, 2, 3\)'):
        mask_label(mask, value=(1, 2, 3))


def test_numbers_of_objects_in_16_bits() -> None:
    numbers = np.where(OVAL, 1001, 26).astype(np.uint16)
    with pytest.raises(ValueError, match=r'found 26..1001.*mask_value=1001'):
        mask_label(Image.fromarray(numbers))
    np.testing.assert_array_equal(mask_label(Image.fromarray(numbers), value=1001), OVAL)


def test_smooth_masks_in_every_depth() -> None:
    smooth = np.where(OVAL, 200, 40) + np.where(RIM, 87, 0)
    eight, sixteen = smooth.astype(np.uint8), (smooth * 257).astype(np.uint16)
    colours = np.dstack([eight] * 3)
    white = np.full_like(colours, 255)
    for mask in (eight, sixteen, colours, np.dstack([white, eight])):
        for form in (mask, Image.fromarray(mask)):
            np.testing.assert_array_equal(mask_label(form, threshold=128), OVAL)
    with pytest.raises(ValueError, match=r'mask_threshold=128.*mask_value='):
        mask_label(eight)


def test_where_readings_disagree_both_are_named() -> None:
    greys = _palette(OVAL + 2 * RIM, (0, 0, 0), (128, 128, 128), (255, 255, 255))
    with pytest.raises(ValueError, match=r'indices \[0, 1, 2\] or as greys \[0, 128, 255\]'):
        mask_label(greys)
    np.testing.assert_array_equal(mask_label(greys, threshold=100), OVAL | RIM)
    np.testing.assert_array_equal(mask_label(greys, value=1), OVAL)
    np.testing.assert_array_equal(mask_label(greys, value=128), EXPECTED)
    two_shapes = np.dstack([_rgb((255, 255, 255)), np.roll(BINARY, 9, 1)])
    with pytest.raises(ValueError, match='colours and its transparency mark unlike pixels'):
        mask_label(Image.fromarray(two_shapes))


def test_declared_values_decide_between_readings(tmp_path) -> None:
    greys = _palette(OVAL + 2 * RIM, (0, 0, 0), (128, 128, 128), (255, 255, 255))
    source = _folder(tmp_path, greys, foreground_values=(1,), ignore_value=2)
    np.testing.assert_array_equal(source.label_map(0, (0,)), EXPECTED)


def test_a_label_map_keeps_its_indices(tmp_path) -> None:
    WHITE_FIRST.save(tmp_path / 'labels.png')
    np.testing.assert_array_equal(read_label_map(str(tmp_path / 'labels.png')), WHITE_FIRST)
    FORMS['one colour'].save(tmp_path / 'labels.png')
    with pytest.raises(ValueError, match=r'labels.png: .* this one has colours'):
        read_label_map(str(tmp_path / 'labels.png'))


@pytest.mark.parametrize(
    'mode', ['L', 'P', 'RGB', 'RGBA', 'LA', 'I;16'], ids=lambda mode: mode.replace(';', '')
)
def test_labels_do_not_depend_on_the_kind_of_png(tmp_path, mode):
    values = np.array([[0, 3], [255, 7]], dtype=np.uint8)
    image = Image.fromarray(values)
    if mode == 'P':
        image.putpalette(np.random.RandomState(0).randint(0, 256, 768, dtype=np.uint8).tobytes())
    elif mode == 'I;16':
        image = Image.fromarray(values.astype(np.uint16))
    else:
        image = image.convert(mode)
    image.save(tmp_path / 'mask.png')
    assert Image.open(tmp_path / 'mask.png').mode == mode
    labels = read_label_map(str(tmp_path / 'mask.png'))
    assert labels.dtype == np.uint8 and labels.tolist() == values.tolist()


def test_values_above_255_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 300]], dtype=np.uint16)).save(tmp_path / 'mask.png')
    with pytest.raises(ValueError, match=r'mask.png: mask values must be 0..255, found 0..300'):
        read_label_map(str(tmp_path / 'mask.png'))
    with pytest.raises(ValueError, match=r'not whole numbers from 0 to 255 are \[0.5\]'):
        mask_label(np.array([[0, 0.5, 1]]))
    with pytest.raises(ValueError, match='nan'):
        mask_label(np.array([[0, np.nan, 1]]))


@pytest.mark.parametrize(
    ('choice', 'message'),
    [
        (dict(threshold=0), 'from 0 on every pixel would be of the class'),
        (dict(threshold=256), 'grey value from 1 to 255, got 256'),
        (dict(threshold=True), 'got True'),
        (dict(value=-1), 'got -1'),
        (dict(value=(1, 2)), r'got \(1, 2\)'),
        (dict(value=(1, 2, 300)), r'got \(1, 2, 300\)'),
        (dict(value=1, threshold=1), 'not both'),
    ],
)
def test_choices_that_mean_nothing_are_refused(tmp_path, choice, message) -> None:
    with pytest.raises(ValueError, match=message):
        mask_label(BINARY, **choice)
    if 'value' in choice:
        choice['mask_value'] = choice.pop('value')
    with pytest.raises(ValueError, match=message):
        _folder(tmp_path, FORMS['grey'], **choice)


def test_broken_files_are_named(tmp_path, truncate) -> None:
    FORMS['grey'].save(tmp_path / 'mask.png')
    truncate(tmp_path / 'mask.png')
    for path in (tmp_path / 'mask.png', tmp_path / 'none.png'):
        with pytest.raises(UnreadableImageError, match=path.name):
            mask_label(path)
