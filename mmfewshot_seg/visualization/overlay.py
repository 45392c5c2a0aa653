"""Labels and prototypes painted over images."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmfewshot_seg.files.whole_file import whole_file
from mmfewshot_seg.structures.labels import IGNORED

# RGB of the first ways: five that are distinct for people with colour-vision deficiency (Okabe and
# Ito), blue first, which is seen on skin, wood and metal; then each as far as possible from those
# before it (in CIE Lab, from saturated colours).
_FIRST_COLOURS = (
    *((0, 114, 178), (230, 97, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66)),
    *((0, 0, 255), (0, 255, 0), (255, 0, 225), (15, 0, 120), (120, 90, 45)),
    *((255, 0, 105), (180, 240, 255), (75, 165, 0), (165, 120, 255), (255, 210, 165)),
    *((135, 0, 15), (0, 255, 150), (195, 255, 180), (150, 15, 135), (255, 135, 120)),
)
# RGB by way, no two alike: from the 21st on those before it, ever closer to white and to black.
_MIXED_WITH = tuple((tone, share / 10) for share in range(2, 9) for tone in (255, 0))
COLOURS = (
    *_FIRST_COLOURS,
    *(
        tuple(round((1 - share) * value + share * tone) for value in colour)
        for tone, share in _MIXED_WITH
        for colour in _FIRST_COLOURS
    ),
)[: IGNORED - 1]
# RGB by number of the prototype, each as far as possible from those before it (in CIE Lab, from
# saturated colours): few prototypes look very unlike, and 25 can still be told apart.
PROTOTYPE_COLOURS = (
    *((225, 30, 30), (0, 255, 0), (0, 0, 255), (30, 210, 255), (90, 105, 0)),
    *((255, 135, 240), (240, 240, 0), (105, 255, 180), (30, 75, 150), (255, 180, 150)),
    *((135, 45, 75), (240, 0, 255), (255, 150, 0), (120, 90, 240), (30, 165, 15)),
    *((0, 135, 105), (255, 0, 135), (135, 60, 0), (180, 180, 255), (240, 240, 150)),
    *((135, 15, 135), (180, 255, 105), (255, 105, 120), (195, 165, 30), (0, 255, 120)),
)


def overlay(
    image: np.ndarray, labels: np.ndarray, colours: Sequence[Sequence[int]] = COLOURS
) -> np.ndarray:
    """Paint labels over an image.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) integers: 0 is left alone, 1..N get the colour of their way and an outline,
            255 is hatched in grey.
        colours: RGB of way 1, 2, ...; after the last they begin anew.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    painted = image.copy()
    ways = np.unique(labels)
    if IGNORED in ways:
        rows, columns = np.indices(labels.shape)
        hatched = (labels == IGNORED) & ((rows + columns) % 6 < 2)
        painted[labels == IGNORED] = painted[labels == IGNORED] // 2 + 64
        painted[hatched] = 128
    for way in ways[(ways > 0) & (ways != IGNORED)]:
        mask = labels == way
        colour = np.array(colours[(way - 1) % len(colours)])
        for row, inside in zip(painted, mask, strict=True):  # large images would need gigabytes
            row[inside] = 0.5 * row[inside] + 0.5 * colour
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(painted, contours, -1, (255, 255, 255), 2, cv2.LINE_AA)
        cv2.drawContours(painted, contours, -1, colour.tolist(), 1, cv2.LINE_AA)
    return painted


def overlay_prototypes(image: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Paint over an image which prototype each pixel belongs to.

    The image is made grey, so that a prototype looks alike over any image.

    Args:
        image: (H, W, 3) uint8 RGB.
        numbers: (H, W) integers: 0 for none, else the number of a prototype, which chooses the
            colour. Borders between numbers are white.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    painted = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    taken = numbers > 0
    colours = np.array(PROTOTYPE_COLOURS)
    painted[taken] = 0.4 * painted[taken] + 0.6 * colours[(numbers[taken] - 1) % len(colours)]
    painted[_borders(numbers)] = 255
    return painted


def label_image(labels: np.ndarray) -> Image.Image:
    """Image of (H, W) uint8 labels: they are its indices, its palette the colours of the ways."""
    image = Image.fromarray(labels)
    palette = np.zeros((256, 3), np.uint8)
    palette[1:IGNORED] = COLOURS
    palette[IGNORED] = 128
    image.putpalette(palette.tobytes())
    return image


def save_label_map(path: str | Path, labels: np.ndarray) -> None:
    """Write (H, W) uint8 labels as a PNG; viewers show the colours of the ways."""
    with whole_file(path) as file:
        label_image(labels).save(file, 'png')


def _borders(numbers: np.ndarray) -> np.ndarray:
    """(H, W) bool, pixels whose right or lower neighbour has another number."""
    borders = np.zeros(numbers.shape, bool)
    borders[:, :-1] |= numbers[:, :-1] != numbers[:, 1:]
    borders[:-1] |= numbers[:-1] != numbers[1:]
    return borders
