"""Pictures with captions, side by side."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from mmfewshot_seg.visualization.overlay import overlay
from mmfewshot_seg.visualization.text import draw_text, text_size

TILE = 224
CAPTION = 22
GAP = 8


def tile(
    image: np.ndarray,
    caption: str,
    labels: np.ndarray | None = None,
    paint: Callable[[np.ndarray, np.ndarray], np.ndarray] = overlay,
    frame: tuple[int, int] = (TILE, TILE),
) -> np.ndarray:
    """Picture on white, as large as fits ``frame``, labels painted over it, a caption below.

    Args:
        image: (H, W, 3) uint8 RGB.
        caption: Made smaller if it is long.
        labels: (H', W') integers that cover the image, at any resolution.
        paint: Paints (h, w) labels over a (h, w, 3) picture.
        frame: Height and width in pixels.

    Returns:
        (frame height + CAPTION + GAP, frame width + GAP, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = min(frame[0] / height, frame[1] / width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    picture = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    if labels is not None:
        labels = cv2.resize(labels.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        picture = paint(picture, labels)
    canvas = np.full((frame[0] + CAPTION + GAP, frame[1] + GAP, 3), 255, np.uint8)
    canvas[: size[1], : size[0]] = picture
    scale = 0.45 * min(1, frame[1] / text_size(caption, 0.45)[0])
    draw_text(canvas, caption, (2, frame[0] + CAPTION - 7), scale, (0, 0, 0))
    return canvas


def stack(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """One picture of rows of tiles; short rows end in white."""
    pictures = [np.concatenate(row, axis=1) for row in rows]
    width = max(picture.shape[1] for picture in pictures)
    padding = [((0, 0), (0, width - picture.shape[1]), (0, 0)) for picture in pictures]
    padded = zip(pictures, padding, strict=True)
    return np.concatenate([np.pad(picture, pad, constant_values=255) for picture, pad in padded])
