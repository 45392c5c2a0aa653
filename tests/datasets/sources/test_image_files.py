import mmcv
import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.datasets.sources.image_files import (
    UnreadableImageError,
    image_shape,
    read_mask,
)


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'bmp'])
@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_image_shape_is_what_mmcv_loads(tmp_path, write_image, suffix, orientation):
    path = tmp_path / f'image.{suffix}'
    write_image(path, 20, 40, orientation)
    assert image_shape(str(path)) == mmcv.imread(str(path)).shape[:2]


def test_a_jpeg_on_its_side_is_turned(tmp_path, write_image):
    write_image(tmp_path / 'image.jpg', 20, 40, orientation=6)
    assert image_shape(str(tmp_path / 'image.jpg')) == (40, 20)


@pytest.mark.parametrize('suffix', ['jpg', 'png'])
def test_truncated_files_are_noticed(tmp_path, write_image, truncate, suffix):
    path = tmp_path / f'image.{suffix}'
    write_image(path, 64, 64)
    truncate(path)
    with pytest.raises(UnreadableImageError, match=f'image.{suffix}'):
        image_shape(str(path))


@pytest.mark.parametrize(
    'mode', ['L', 'P', 'RGB', 'RGBA', 'LA', 'I;16'], ids=lambda mode: mode.replace(';', '')
)
def test_mask_values_do_not_depend_on_the_kind_of_png(tmp_path, mode):
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
    mask = read_mask(str(tmp_path / 'mask.png'))
    assert mask.dtype == np.uint8 and mask.tolist() == values.tolist()


def test_black_and_white_mask_is_0_and_255(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / 'mask.png')
    assert read_mask(str(tmp_path / 'mask.png')).tolist() == [[255, 0]]


def test_colours_are_refused_unless_grey_is_asked(tmp_path, write_mask):
    write_mask(tmp_path / 'mask.png', [[[255, 255, 255], [200, 10, 10]]])
    with pytest.raises(ValueError, match=r'mask.png: .* this one has colours \(RGB\)'):
        read_mask(str(tmp_path / 'mask.png'))
    # luminance of (200, 10, 10): 0.299 * 200 + 0.701 * 10 = 66.8
    assert read_mask(str(tmp_path / 'mask.png'), grey=True).tolist() == [[255, 67]]


def test_values_above_255_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 300]], dtype=np.uint16)).save(tmp_path / 'mask.png')
    with pytest.raises(ValueError, match=r'mask.png: mask values must be 0..255, found 0..300'):
        read_mask(str(tmp_path / 'mask.png'))
