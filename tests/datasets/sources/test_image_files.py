import mmcv
import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.datasets.sources import image_files, tiff_bands
from mmfewshot_seg.datasets.sources.image_files import (
    UnreadableImageError,
    deep_image,
    image_shape,
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


def test_dark_images_of_16_bits_are_told_once(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(image_files, 'print_log', lambda text, *_: told.append(text))
    monkeypatch.setattr(image_files, '_told_of', set())
    for number, most in enumerate((4095, 4000, 65535)):
        image = Image.fromarray(np.full((3, 4), most, np.uint16))
        image.save(tmp_path / f'{number}.png')
        assert image_shape(str(tmp_path / f'{number}.png')) == (3, 4)
    assert len(told) == 1 and '0.png holds 12 bits in 16' in told[0]


def _tiff(path, pixels: np.ndarray, **kwargs) -> str:
    tifffile = pytest.importorskip('tifffile')
    tifffile.imwrite(path, pixels, photometric=kwargs.pop('photometric', 'minisblack'), **kwargs)
    return str(path)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@pytest.mark.parametrize('planar', ['contig', 'separate'])
@pytest.mark.parametrize('number', [2, 4, 5, 8])
def test_the_first_bands_of_several_count(tmp_path, dtype, planar, number):
    pixels = np.random.default_rng(0).integers(1, 200, (7, 9, number)).astype(dtype)
    stored = pixels if planar == 'contig' else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    path = _tiff(tmp_path / 'a.tif', stored, planarconfig=planar)
    expected = pixels[..., [2, 1, 0]] if number > 2 else np.repeat(pixels[..., :1], 3, 2)
    np.testing.assert_array_equal(deep_image(path), expected)
    assert image_shape(path, to_end=False) == (7, 9)
    with pytest.raises(UnreadableImageError, match=f'has {number} bands .* save one or three'):
        image_shape(path)  # as MMCV would load it for a training


@pytest.mark.parametrize('dtype', [np.float32, np.int32])
def test_grey_of_32_bits(tmp_path, dtype):
    pixels = np.arange(63).reshape(7, 9).astype(dtype)
    image = deep_image(_tiff(tmp_path / 'a.tif', pixels))
    np.testing.assert_array_equal(image, np.repeat(pixels[..., None], 3, 2))


def test_plain_files_are_left_to_opencv(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (7, 9, 3), dtype=np.uint8)
    assert deep_image(_tiff(tmp_path / 'a.tif', rgb, photometric='rgb')) is None
    assert image_shape(_tiff(tmp_path / 'b.tif', rgb[..., 0])) == (7, 9)
    rgba = np.dstack([rgb, rgb[..., 0]])
    path = _tiff(tmp_path / 'd.tif', rgba, photometric='rgb', extrasamples=['unspecified'])
    assert deep_image(path) is None and image_shape(path) == (7, 9)
    (tmp_path / 'c.tif').write_bytes(b'II*\0nothing')
    with pytest.raises(UnreadableImageError, match='c.tif'):
        image_shape(str(tmp_path / 'c.tif'))


def test_bands_are_told_once(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(tiff_bands, 'print_log', lambda text, *_: told.append(text))
    monkeypatch.setattr(tiff_bands, '_told_of', set())
    for name in 'ab':
        deep_image(
            _tiff(tmp_path / f'{name}.tif', np.ones((7, 9, 5), np.uint8), planarconfig='contig')
        )
    assert len(told) == 1 and 'a.tif has 5 bands: the first three count as red' in told[0]
