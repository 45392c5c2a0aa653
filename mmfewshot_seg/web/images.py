"""Images as the page sends and shows them: data URLs.

Their size is read from the header first: what is too large is never decoded.
"""

import base64
import math
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.visualization.overlay import label_image

MAX_PIXELS = 50_000_000
# Larger images are looked at in this size: enough for every network, and answered in seconds.
SEEN_PIXELS = 4_000_000
_TOO_MANY = (
    f'more than the {MAX_PIXELS // 10**6} million that the page takes: make the image smaller'
)
FORMATS = ('JPEG', 'PNG', 'WEBP', 'BMP')


def decode_image(url: str) -> np.ndarray:
    """(H, W, 3) uint8 BGR image of a data URL.

    Raises:
        ValueError: If it is none, or has more than ``MAX_PIXELS``.
    """
    return _decode(url, cv2.IMREAD_COLOR)


def decode_mask(url: str) -> np.ndarray:
    """Label map of a painted mask.

    Args:
        url: Data URL of a PNG with transparency: red paint is the class, blue the background,
            what is not painted is background too; but not annotated if there is blue.

    Returns:
        (H, W) uint8: 0 background, 1 class, 255 not annotated.

    Raises:
        ValueError: If it is none, or has more than ``MAX_PIXELS``.
    """
    image = _decode(url, cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4 or image.dtype != np.uint8:
        raise ValueError('a mask is a PNG with transparency, 8 bits a channel')
    painted, red = image[..., 3] > 127, image[..., 2] > image[..., 0]
    label = np.full(painted.shape, IGNORED if (painted & ~red).any() else 0, np.uint8)
    label[painted] = red[painted]
    return label


def seen_image(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) image as the network gets it: with at most ``SEEN_PIXELS``."""
    height, width = _seen_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def fitted_label(label: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A label map at the size (H, W) of its image, to the nearest pixel.

    Raises:
        ValueError: If the image has another shape.
    """
    height, width = shape
    if abs(label.shape[0] * width - label.shape[1] * height) > max(*shape, *label.shape):
        raise ValueError(f'the mask has the size {label.shape}, its image {shape} (H, W)')
    if label.shape == tuple(shape):
        return label
    return cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)


def encode(image: np.ndarray) -> str:
    """Data URL of a PNG."""
    return _url('png', cv2.imencode('.png', image)[1].tobytes())


def encode_region(region: np.ndarray) -> str:
    """Data URL of a PNG of at most ``SEEN_PIXELS``, opaque where an (H, W) bool region is."""
    region = fitted_label(region.astype(np.uint8) * 255, _seen_size(*region.shape))
    return encode(np.repeat(region[..., None], 4, axis=2))


def encode_picture(image: np.ndarray) -> str:
    """Data URL of a JPEG, to look at."""
    return _url('jpeg', cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())


def encode_labels(labels: np.ndarray) -> str:
    """Data URL of a PNG whose indices are (H, W) uint8 labels; viewers show colours."""
    file = BytesIO()
    label_image(labels).save(file, 'PNG')
    return _url('png', file.getvalue())


def _seen_size(height: int, width: int) -> tuple[int, int]:
    scale = min(math.sqrt(SEEN_PIXELS / (height * width)), 1)
    return max(int(height * scale), 1), max(int(width * scale), 1)


def _url(kind: str, data: bytes) -> str:
    return f'data:image/{kind};base64,' + base64.b64encode(data).decode()


def decode_bytes(url: str) -> bytes:
    """Content of a data URL in base64.

    Raises:
        ValueError: If it is none.
    """
    try:
        return base64.b64decode(url.partition(',')[2], validate=True)
    except ValueError as error:  # also where it is no ASCII
        raise ValueError(f'not a data URL ({error})') from None


def check_pixels(width: int, height: int) -> None:
    """Refuse sizes that no image of the page has.

    Raises:
        ValueError: If a side is less than 1, or there are more than ``MAX_PIXELS``.
    """
    if min(width, height) < 1:
        raise ValueError(f'{width} x {height} pixels are no image')
    if width * height > MAX_PIXELS:
        raise ValueError(f'{width} x {height} pixels are {_TOO_MANY}')


def _decode(url: str, flags: int) -> np.ndarray:
    data = decode_bytes(url)
    check_pixels(*_size(data))
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f'not an image that can be decoded ({error.err})') from None
    if image is None:
        raise ValueError('not an image that can be decoded')
    return image


def _size(data: bytes) -> tuple[int, int]:
    """(width, height) by the header."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return image.size
    except Image.DecompressionBombError as error:  # far above MAX_PIXELS
        raise ValueError(f'these pixels are {_TOO_MANY} ({error})') from None
    except Exception:  # readers raise OSError, SyntaxError, struct.error, ... on broken headers
        raise ValueError(f'not an image that can be decoded: {", ".join(FORMATS)}') from None
