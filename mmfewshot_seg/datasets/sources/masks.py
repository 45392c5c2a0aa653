"""What a mask says, however it is stored: the one reader of mask files, PIL images and arrays.

A mask is a label map (a number per pixel, of a palette the index) or a picture of the class (white,
one colour, or what is not transparent, on black). Where the two readings disagree it is refused.
"""

from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmfewshot_seg.datasets.sources.image_files import decoding
from mmfewshot_seg.structures.labels import IGNORED

MaskSource = str | Path | BytesIO | Image.Image | np.ndarray
Value = int | tuple[int, int, int]

WHITE = 255
DEEP_MODES = ('I;16', 'I;16B', 'I;16L', 'I', 'F')  # of PIL, more than 8 bits
SEE_THROUGH = ('LA', 'La', 'PA', 'RGBA', 'RGBa')
_SHOWN = 10  # values and colours that a message lists


def read_label_map(path: str) -> np.ndarray:
    """(H, W) uint8 values of a file of labels; a palette is decoration, the indices count.

    Raises:
        UnreadableImageError: If the file cannot be decoded.
        ValueError: If it has colours, or values that are not whole numbers from 0 to 255.
    """
    image = _open_image(path)
    if image.mode == '1':
        image = image.convert('L')
    return as_bytes(_values(image, None, path)[0], path)


def read_values(
    mask: MaskSource, declared: Collection[int] = (0, 1, IGNORED), white: int = WHITE
) -> np.ndarray:
    """(H, W) uint8 values of a mask.

    Args:
        mask: File, PIL image, or array (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.
        declared: Values that mean something; they tell how a grey palette is to be read.
        white: Value of the class where the mask is a picture of it.

    Raises:
        UnreadableImageError: If a file cannot be decoded.
        ValueError: If there is more than one reading, or there are several colours or values that
            are not whole numbers from 0 to 255.
    """
    name = _name(mask)
    values, is_picture = _values(_open(mask), lambda found: found <= set(declared), name)
    if is_picture:
        return np.where(values, white, 0).astype(np.uint8)
    return as_bytes(values, name)


def mask_label(
    mask: MaskSource, threshold: float | None = None, value: Value | None = None
) -> np.ndarray:
    """Label map of a mask.

    Args:
        mask: File, PIL image, or array (H, W), (H, W, 3) BGR or (H, W, 4) BGRA. Without the
            arguments below 0 is background, 1 the class, 255 void; without any 1, 255 is the class.
        threshold: Grey value from which on a pixel is of the class, for masks with smooth edges;
            more than 0, up to 255.
        value: Value or RGB colour of the class; 255 is void, all else background.

    Returns:
        (H, W) uint8: 0 background, 1 class, 255 void.

    Raises:
        UnreadableImageError: If a file cannot be decoded.
        ValueError: If an argument is out of range, or the mask can be read in more than one way.
    """
    check_choice(threshold, value)
    if threshold is not None:
        return (_greys(mask) >= threshold).astype(np.uint8)
    if value is not None:
        return _chosen(mask, value)
    values = read_values(mask)
    found = np.unique(values)
    if not np.isin(found, (0, 1, IGNORED)).all():
        raise ValueError(
            f'{_name(mask)}: mask values are 0 (background), 1 (the class) and 255 (not '
            f'annotated), or 0 and 255 (the class); found {found[:_SHOWN].tolist()}. '
            f'{choice_hint(found)}'
        )
    return (values if 1 in found else values > 0).astype(np.uint8)


def check_choice(threshold: float | None, value: Value | None) -> None:
    """Refuse arguments of :func:`mask_label` that mean nothing.

    Raises:
        ValueError: If one is out of range, or both are given.
    """
    if threshold is not None and value is not None:
        raise ValueError('give mask_threshold, for smooth edges, or mask_value, not both')
    if threshold is not None and not (
        isinstance(threshold, int | float | np.number)
        and not isinstance(threshold, bool)
        and 0 < threshold <= 255
    ):
        raise ValueError(
            f'mask_threshold is a grey value from 1 to 255, got {threshold!r}; from 0 on every '
            'pixel would be of the class'
        )
    if value is None:
        return
    parts = value if isinstance(value, tuple | list) else (value,)
    most = 65535 if len(parts) == 1 else 255
    if not (
        len(parts) in (1, 3)
        and all(isinstance(part, int | np.integer) and not isinstance(part, bool) for part in parts)
        and all(0 <= part <= most for part in parts)
    ):
        raise ValueError(
            f'mask_value is a whole number from 0 to 65535, or a colour (r, g, b) of numbers from '
            f'0 to 255, got {value!r}'
        )


def choice_hint(values: np.ndarray, threshold_name: str = 'mask_threshold') -> str:
    """What to do about a mask with these sorted values."""
    others = values[(values > 0) & (values != IGNORED)]
    others = others if len(others) else values
    choice = f'If they are classes, say which one is meant: mask_value={others[0]}'
    if (others < 128).any() and (others >= 128).any():
        return f'If they are greys of smooth edges, set {threshold_name}=128. {choice}'
    return choice


def _chosen(mask: MaskSource, value: Value) -> np.ndarray:
    """Label map of the pixels of a value or colour."""
    name, image = _name(mask), _open(mask)
    if isinstance(value, int | np.integer):
        values, is_picture = _values(image, lambda found: value in found, name)
        values = np.where(values, WHITE, 0) if is_picture else values
        label = (values == value).astype(np.uint8)
        if value != IGNORED:
            label[values == IGNORED] = IGNORED
        found = np.unique(values)[:_SHOWN].tolist()
    else:
        colours = _colours(image, name)
        label = (colours == np.array(value)).all(-1).astype(np.uint8)
        found = _list_colours(colours)
    if not (label == 1).any():
        raise ValueError(f'{name}: no pixel has mask_value={value}; the mask has {found}')
    return label


def _greys(mask: MaskSource) -> np.ndarray:
    """(H, W) luminance, or alpha where only that varies, from 0 to 255."""
    name, image = _name(mask), _open(mask)
    if isinstance(image, Image.Image):
        if image.mode in DEEP_MODES:
            image = np.array(image)
        elif image.mode in SEE_THROUGH or 'transparency' in image.info:
            image = np.array(image.convert('RGBA'))
        else:
            return np.array(image.convert('L'))
    if image.ndim == 3:
        image = _opaque(image, name) if image.shape[2] == 4 else image
    if image.ndim == 3:
        return np.array(Image.fromarray(as_bytes(image, name)).convert('L'))
    if image.dtype == bool:
        return np.where(image, WHITE, 0)
    is_deep = image.dtype.kind in 'ui' and image.dtype.itemsize > 1 and image.max() > 255
    return image / 257 if is_deep else image  # 65535 is white


def _name(mask: MaskSource) -> str:
    return str(mask) if isinstance(mask, str | Path) else 'the mask'


def _open(mask: MaskSource) -> Image.Image | np.ndarray:
    """An image turned as its EXIF orientation says, or an array, its colours RGB."""
    if isinstance(mask, np.ndarray):
        if mask.ndim == 3 and mask.shape[2] in (3, 4):
            return mask[..., [2, 1, 0, 3][: mask.shape[2]]]
        if mask.ndim != 2 or not mask.size or mask.dtype.kind not in 'buif':
            raise ValueError(
                f'a mask of numbers has the shape (H, W), got {mask.shape} {mask.dtype}'
            )
        return mask
    return _open_image(mask)


def _open_image(mask: str | Path | BytesIO | Image.Image) -> Image.Image:
    with decoding(_name(mask)):
        image = mask if isinstance(mask, Image.Image) else Image.open(mask)
        return turned(image)


def turned(image: Image.Image) -> Image.Image:
    """The image as MMCV would load it: turned by its EXIF orientation, except a WebP."""
    image.load()
    return image if image.format == 'WEBP' else ImageOps.exif_transpose(image)


def _values(
    image: Image.Image | np.ndarray, fits: Callable[[set[int]], bool] | None, name: str
) -> tuple[np.ndarray, bool]:
    """(H, W) values, and whether they only tell a class from background, nonzero from 0.

    Args:
        image: What :func:`_open` gave.
        fits: Whether a set of values makes sense; decides between indices and greys of a palette.
            None: of a label map, which has no colours, and whose indices count.
        name: Name of the mask, for messages.
    """
    if isinstance(image, np.ndarray):
        pixels, is_picture = image, image.dtype == bool
    elif image.mode == 'P' and (fits is None or not _palette_is_picture(image, fits, name)):
        return np.array(image), False
    elif image.mode in (*SEE_THROUGH, 'P'):
        pixels, is_picture = np.array(image.convert('RGBA')), image.mode in ('P', 'PA')
    else:
        is_picture = image.mode == '1'
        is_odd = image.mode in ('CMYK', 'YCbCr', 'LAB', 'HSV')
        pixels = np.array(image.convert('RGB') if is_odd else image)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _opaque(pixels, name)
        is_picture |= pixels.ndim == 2
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            return _coloured(pixels, name, takes_one=fits is not None), True
        pixels = pixels[..., 0]
    most = pixels.max()
    is_picture = is_picture or (most == 65535 and pixels.dtype.kind in 'ui')
    return pixels, bool(is_picture and ((pixels == 0) | (pixels == most)).all())


def _palette_is_picture(image: Image.Image, fits: Callable[[set[int]], bool], name: str) -> bool:
    """Whether the colours of a palette count, not the indices."""
    indices = np.flatnonzero(image.histogram()[:256])
    palette = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
    if indices[-1] >= len(palette):
        return False
    used, greys = palette[indices], (palette == palette[:, :1]).all(1)
    if (used == used[0]).all() and (len(indices) > 1 or (palette == palette[0]).all()):
        return 'transparency' in image.info  # else the colours say nothing
    black, values = (used == 0).all(1), used[:, 0]
    if not greys[indices].all():  # label maps begin with black
        return bool(black.any() and not black[0])
    if (values == indices).all() or not (greys.all() or (values == WHITE).any()):
        return False
    if (black | (values == WHITE)).all():
        return True
    as_indices, as_greys = (bool(fits(set(v.tolist()))) for v in (indices, values))
    if as_indices == as_greys:
        raise ValueError(
            f'{name}: its palette can be read as indices {indices[:_SHOWN].tolist()} or as greys '
            f'{values[:_SHOWN].tolist()}; save it without a palette, or set mask_threshold'
        )
    return as_greys


def _opaque(pixels: np.ndarray, name: str) -> np.ndarray:
    """(H, W, 3) colours, or (H, W) alpha where only that varies, of (H, W, 4) RGBA."""
    colours, alpha = pixels[..., :3], pixels[..., 3]
    if (alpha == alpha[0, 0]).all():
        return colours
    if (colours == colours[0, 0]).all():
        return alpha
    if len(np.unique(alpha)) == 2 and ((alpha > 0) == (colours > 0).any(-1)).all():
        return colours
    raise ValueError(
        f'{name}: its colours and its transparency mark unlike pixels; save it without '
        'transparency, white on black'
    )


def _coloured(pixels: np.ndarray, name: str, takes_one: bool) -> np.ndarray:
    """(H, W) bool, where (H, W, 3) pixels have their only colour besides black."""
    coloured = (pixels != 0).any(-1)
    if takes_one and not coloured.all() and (pixels[coloured] == pixels[coloured][0]).all():
        return coloured
    raise ValueError(
        f'{name}: a mask holds one value per pixel, this one has colours: '
        f'{_list_colours(pixels)}. Say which one is meant, mask_value=(r, g, b); for a picture '
        'with smooth edges set mask_threshold=128'
    )


def _colours(image: Image.Image | np.ndarray, name: str) -> np.ndarray:
    """(H, W, 3) RGB."""
    if isinstance(image, Image.Image):
        return np.array(image.convert('RGB'))
    return image[..., :3] if image.ndim == 3 else np.repeat(image[..., None], 3, 2)


def _list_colours(pixels: np.ndarray) -> str:
    colours = np.unique(pixels.reshape(-1, 3), axis=0)
    listed = ', '.join(str(tuple(colour)) for colour in colours[:_SHOWN].tolist())
    return listed if len(colours) <= _SHOWN else f'{listed} and {len(colours) - _SHOWN} more'


def as_bytes(values: np.ndarray, name: str) -> np.ndarray:
    """The same numbers as uint8.

    Args:
        values: Whole numbers 0..255 of any type.
        name: Names them in messages.

    Raises:
        ValueError: If some are others.
    """
    if values.dtype == np.uint8:
        return values
    with np.errstate(invalid='ignore'):
        narrow = values.astype(np.uint8)
    if (narrow != values).any():
        odd = np.unique(values[narrow != values])
        raise ValueError(
            f'{name}: mask values must be 0..255, found {values.min()}..{values.max()}; not '
            f'whole numbers from 0 to 255 are {odd[:_SHOWN].tolist()}. {choice_hint(odd)}'
        )
    return narrow
