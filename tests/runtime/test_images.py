"""Images and masks as the exported networks see them."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.export.image_steps import image_meta
from mmfewshot_seg.models.fewshot import FewShotSegmentor  # noqa: F401  registers
from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.runtime.images import ImageSteps, load_image, load_label

LOAD = [dict(type='LoadImageFromFile'), dict(type='mmfewshot_seg.LoadEpisodeMask')]
PIPELINES = [
    [dict(type='Resize', scale=(40, 24), keep_ratio=False)],
    [dict(type='Resize', scale=(50, 30), keep_ratio=True)],
    [dict(type='mmfewshot_seg.ResizeLongSide', long_side=65)],
    [
        dict(type='mmfewshot_seg.ResizeLongSide', long_side=33, divisor=4),
        dict(type='Pad', size=(48, 40), pad_val=dict(img=7)),
    ],
    [dict(type='Pad', size_divisor=32)],
    [],
]


def preprocessor(**options):
    return MODELS.build(
        dict(
            type='mmfewshot_seg.EpisodeDataPreProcessor',
            mean=[123.7, 116.3, 103.5],
            std=[58.4, 57.1, 57.4],
            bgr_to_rgb=True,
        )
        | options
    )


@pytest.mark.parametrize('transforms', PIPELINES, ids=str)
@pytest.mark.parametrize('shape', [(37, 61), (64, 20)])
def test_steps_are_those_of_the_test(transforms, shape) -> None:
    init_default_scope('mmseg')
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    label = rng.integers(0, 2, shape, dtype=np.uint8)
    seen, seen_label = ImagePipeline([*LOAD, *transforms])(image, label)
    steps = ImageSteps(image_meta([*LOAD, *transforms], preprocessor()))
    found, found_label = steps(image, label)
    np.testing.assert_array_equal(found.transpose(2, 0, 1), seen)
    np.testing.assert_array_equal(found_label, seen_label)


@pytest.mark.parametrize(
    'options', [{}, dict(bgr_to_rgb=False), dict(mean=None, std=None, bgr_to_rgb=False)], ids=str
)
def test_normalisation_is_that_of_the_network(options) -> None:
    import torch

    network = preprocessor(**options)
    image = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    query = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    expected = network(dict(inputs=dict(query=[query])))['inputs']['query'][0, 0]
    found = ImageSteps(image_meta(LOAD, network)).normalise(image)
    np.testing.assert_array_equal(found, expected.numpy())


def test_image_of_a_file_an_array_and_pillow(tmp_path) -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[0, :, 2] = 200  # red in BGR
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    picture.save(tmp_path / 'a.png')
    for source in (image, picture, tmp_path / 'a.png', str(tmp_path / 'a.png')):
        np.testing.assert_array_equal(load_image(source), image)


def test_orientation_of_a_photograph_is_applied(tmp_path) -> None:
    picture = Image.new('RGB', (8, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / 'a.jpg', exif=exif)
    assert load_image(tmp_path / 'a.jpg').shape == (8, 4, 3)
    assert load_image(Image.open(tmp_path / 'a.jpg')).shape == (8, 4, 3)


def test_images_that_are_none(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='nowhere.jpg does not exist'):
        load_image(tmp_path / 'nowhere.jpg')
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(ValueError, match='broken.jpg cannot be decoded'):
        load_image(tmp_path / 'broken.jpg')
    Image.fromarray(np.full((4, 4), 1000, np.uint16)).save(tmp_path / 'deep.png')
    with pytest.raises(ValueError, match='deep.png has pixels of type uint16: save it with 8 bits'):
        load_image(tmp_path / 'deep.png')
    with pytest.raises(ValueError, match=r'\(H, W, 3\) uint8, BGR, got \(4, 4\) float64'):
        load_image(np.zeros((4, 4)))
    with pytest.raises(TypeError, match='not int'):
        load_image(3)


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ([[0, 255]], [[0, 1]]),
        ([[0, 1]], [[0, 1]]),
        ([[False, True]], [[0, 1]]),
        ([[1, 0, 255]], [[1, 0, 255]]),
        ([[0, 38]], [[0, 1]]),
    ],
)
def test_mask_has_one_class_and_pixels_that_are_not_annotated(values, expected) -> None:
    assert load_label(np.array(values), (1, len(values[0]))).tolist() == expected


def test_masks_that_are_none(tmp_path) -> None:
    with pytest.raises(ValueError, match=r'got \[2, 3\]'):
        load_label(np.array([[2, 3]]), (1, 2))
    with pytest.raises(ValueError, match='marks the class but no background'):
        load_label(np.array([[1, 255]]), (1, 2))
    with pytest.raises(ValueError, match=r'one value besides 0.*got \[\]'):
        load_label(np.zeros((1, 2)), (1, 2))
    with pytest.raises(ValueError, match=r'shape \(1, 2\) for an image of \(3, 3\)'):
        load_label(np.ones((1, 2)), (3, 3))
    with pytest.raises(FileNotFoundError, match='mask .*nowhere.png'):
        load_label(tmp_path / 'nowhere.png', (1, 2))
    Image.fromarray(np.array([[0, 9]], np.uint8)).save(tmp_path / 'mask.png')
    assert load_label(tmp_path / 'mask.png', (1, 2)).tolist() == [[0, 1]]
    (tmp_path / 'broken.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='mask .*broken.png cannot be decoded'):
        load_label(tmp_path / 'broken.png', (1, 2))


def test_palettes_that_may_say_the_opposite_are_refused(tmp_path) -> None:
    indices = Image.fromarray(np.array([[1, 1, 0]], np.uint8))
    indices.putpalette([255, 255, 255, 0, 0, 0])  # white is the class, and comes first
    indices.save(tmp_path / 'mask.png')
    for mask in (indices, tmp_path / 'mask.png'):
        with pytest.raises(ValueError, match='index 0 of the palette of a mask is not black'):
            load_label(mask, (1, 3))
    indices.putpalette([0, 0, 0, 128, 0, 0])
    assert load_label(indices, (1, 3)).tolist() == [[1, 1, 0]]


def test_masks_are_turned_as_images_are(tmp_path) -> None:
    values = np.array([[1, 0, 0], [1, 1, 0]], np.uint8)
    picture = Image.fromarray(255 * values)
    exif = picture.getexif()
    exif[0x0112] = 3
    picture.save(tmp_path / 'mask.png', exif=exif)
    for mask in (tmp_path / 'mask.png', Image.open(tmp_path / 'mask.png')):
        np.testing.assert_array_equal(load_label(mask, (2, 3)), values[::-1, ::-1])


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32])
def test_pillow_images_of_more_bits_are_refused(dtype) -> None:
    with pytest.raises(ValueError, match='the PIL image has the mode .*: convert it to 8 bits'):
        load_image(Image.fromarray(np.full((4, 4), 4000, dtype)))
