import mmcv
import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.datasets.sources import image_files
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError, image_shape


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
