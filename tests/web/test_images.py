"""Images of the page: data URLs in and out, nothing large decoded."""

import base64
import io
import struct
import time
import zlib
from itertools import product

import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.visualization.overlay import COLOURS
from mmfewshot_seg.web import images
from mmfewshot_seg.web.images import (
    check_pixels,
    decode_bytes,
    decode_image,
    decode_mask,
    encode,
    encode_labels,
    encode_picture,
    encode_region,
    fitted_label,
    seen_image,
)


def _png_of(width: int, height: int, rows: int) -> str:
    """Data URL of a black image in a small file that holds its first rows."""
    pack = zlib.compressobj(9)
    packed = b''.join(pack.compress(bytes(width // 8 + 1)) for _ in range(rows)) + pack.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack('>I', zlib.crc32(kind + data))
        return struct.pack('>I', len(data)) + kind + data + checksum

    head = struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0)  # one bit a pixel
    chunks = chunk(b'IHDR', head) + chunk(b'IDAT', packed) + chunk(b'IEND', b'')
    return 'data:,' + base64.b64encode(b'\x89PNG\r\n\x1a\n' + chunks).decode()


def test_masks_of_paint() -> None:
    paint = np.zeros((1, 4, 4), np.uint8)
    paint[0, 0], paint[0, 1] = (0, 0, 255, 255), (0, 0, 255, 100)
    assert decode_mask(encode(paint)).tolist() == [[1, 0, 0, 0]]
    paint[0, 2] = (255, 0, 0, 255)
    assert decode_mask(encode(paint)).tolist() == [[1, 255, 0, 255]]
    for other in (paint[..., :3], paint[..., 0], paint.astype(np.uint16)):
        with pytest.raises(ValueError, match='transparency'):
            decode_mask(encode(other))


@pytest.mark.parametrize(
    'url',
    ['', 'data:image/png;base64,', 'data:,%', 'x,bm8gaW1hZ2U=', 'é,é', 'data:,iVBORw0KGgo='],
)
def test_other_things_than_images_are_refused(url) -> None:
    for decode in (decode_image, decode_mask):
        with pytest.raises(ValueError, match='not a'):
            decode(url)


def test_a_truncated_file_is_refused_or_decoded_but_no_crash() -> None:
    url = encode(np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8))
    head, _, data = url.partition(',')
    data = base64.b64decode(data)
    for length in range(0, len(data), 97):
        cut = f'{head},{base64.b64encode(data[:length]).decode()}'
        try:
            assert decode_image(cut).shape == (40, 50, 3)
        except ValueError as error:
            assert 'not an image' in str(error)


@pytest.mark.parametrize('size', [(16_000, 16_000), (40_000, 30_000), (7_100, 7_100)])
def test_large_images_are_refused_by_their_header(size, monkeypatch) -> None:
    url = _png_of(*size, rows=10)
    monkeypatch.setattr(images.cv2, 'imdecode', None)  # nobody gets there
    begin = time.process_time()
    for decode in (decode_image, decode_mask):
        with pytest.raises(ValueError, match='more than the 50 million that the page takes'):
            decode(url)
    assert time.process_time() - begin < 1


def test_an_image_of_the_largest_size_is_decoded() -> None:
    assert decode_image(_png_of(7_000, 7_000, rows=7_000)).shape == (7_000, 7_000, 3)


def test_images_are_seen_with_at_most_so_many_pixels(monkeypatch) -> None:
    image = np.full((30, 60, 3), 7, np.uint8)
    assert seen_image(image) is image
    monkeypatch.setattr(images, 'SEEN_PIXELS', 450)
    assert seen_image(image).shape == (15, 30, 3)
    assert (seen_image(image) == 7).all()
    for height, width in product((1, 3, 50, 500, 449), (1, 7, 51, 450)):
        height_, width_ = seen_image(np.zeros((height, width, 3), np.uint8)).shape[:2]
        assert 0 < height_ * width_ <= 450 or min(height_, width_) == 1


def test_masks_fit_images_of_the_same_shape() -> None:
    label = np.zeros((40, 60), np.uint8)
    label[10:20, 30:] = 1
    assert fitted_label(label, (40, 60)) is label
    np.testing.assert_array_equal(fitted_label(label, (20, 30)), label[::2, ::2])
    assert fitted_label(label, (27, 41)).shape == (27, 41)  # rounded
    for shape in ((60, 40), (40, 64), (40, 40)):
        with pytest.raises(ValueError, match=r'size \(40, 60\), its image'):
            fitted_label(label, shape)


def test_label_maps_keep_their_values_and_are_seen() -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    head, _, data = encode_labels(labels).partition(',')
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == 'data:image/png;base64' and image.mode == 'P'
    np.testing.assert_array_equal(np.asarray(image), labels)
    colours = np.asarray(image.convert('RGB')).reshape(256, 3)
    np.testing.assert_array_equal(colours[1:255], COLOURS)


def test_pictures_are_small_files() -> None:
    url = encode_picture(np.full((40, 50, 3), (10, 100, 200), np.uint8))
    assert url.startswith('data:image/jpeg;base64,')
    assert np.abs(decode_image(url).astype(int) - (10, 100, 200)).max() < 4


def test_regions_are_opaque(monkeypatch) -> None:
    region = np.zeros((20, 30), bool)
    region[4:10, 6:20] = True
    for pixels, seen in ((600, region), (150, region[::2, ::2])):
        monkeypatch.setattr(images, 'SEEN_PIXELS', pixels)
        data = decode_bytes(encode_region(region))
        image = Image.open(io.BytesIO(data))
        assert image.mode == 'RGBA' and image.size == seen.shape[::-1]
        np.testing.assert_array_equal(np.asarray(image)[..., 3] == 255, seen)


def test_sizes_of_no_image_are_refused() -> None:
    check_pixels(50_000_000, 1)
    for size in ((50_000_001, 1), (10**30, 10**30)):
        with pytest.raises(ValueError, match='more than the 50 million'):
            check_pixels(*size)
    for size in ((0, 5), (5, -1), (-5, -5)):
        with pytest.raises(ValueError, match='no image'):
            check_pixels(*size)
