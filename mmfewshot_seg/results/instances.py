"""Connected parts of a label map: one instance each.

Shape letters: ``H W`` size of the image, ``N`` classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.results.outlines import outlines, simplified
from mmfewshot_seg.structures.labels import IGNORED


@dataclass(frozen=True, eq=False)
class Instance:
    """A connected part of a class in an image.

    Attributes:
        label: Value in the label map, 1..N.
        class_name: Name of the class.
        score: Mean probability of the class over its pixels, from 0 to 1.
        area: Number of its pixels.
        box: (x, y, w, h) in pixels, x and y of its first column and row.
        code: Run-length code of its pixels inside the box, as pycocotools has it.
        size: (H, W) of the image.
    """

    label: int
    class_name: str
    score: float
    area: int
    box: tuple[int, int, int, int]
    code: dict
    size: tuple[int, int]

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool, its pixels inside the box."""
        return coco_mask.decode(self.code) > 0

    @property
    def rle(self) -> dict:
        """Its mask in the whole image, run-length encoded as COCO does: ``size``, ``counts``."""
        x, y, width, rows = self.box
        height = self.size[0]
        strip = np.zeros((height, width), np.uint8, order='F')
        strip[y : y + rows] = coco_mask.decode(self.code)
        turns = np.flatnonzero(np.diff(strip.ravel('F'), prepend=0, append=0)) + x * height
        counts = np.diff(turns, prepend=0, append=height * self.size[1]).tolist()
        return coco_mask.frPyObjects(dict(size=list(self.size), counts=counts), *self.size)

    def rings(self, tolerance: float = 0) -> tuple[np.ndarray, list[np.ndarray]]:
        """Its outline, and those of its holes.

        Args:
            tolerance: Pixels by which they may be off; 0 follows the edge of each pixel.

        Returns:
            (M, 2) int32 corners (x, y) of the outer ring, and of each hole; pixel (0, 0) reaches
            from 0 to 1.
        """
        rings = [ring + np.array(self.box[:2], np.int32) for ring in outlines(self.mask)]
        rings.sort(key=lambda ring: ring[:, 1].min())  # only the outer one reaches the first row
        outer, *holes = [simplified(ring, tolerance) for ring in rings]
        return outer, holes

    @property
    def holes(self) -> np.ndarray:
        """(h, w) bool, pixels of its box that it surrounds."""
        others = np.pad(~self.mask, 1, constant_values=True)
        _, regions = cv2.connectedComponents(others.astype(np.uint8), connectivity=4)
        return (others & (regions != regions[0, 0]))[1:-1, 1:-1]

    def pieces(self) -> list['Instance']:
        """Its parts that touch by more than a corner."""
        x, y, _, _ = self.box
        mask = self.mask.astype(np.uint8)
        number, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        found = []
        for part in range(1, number):
            left, top, width, height, area = stats[part].tolist()
            inside = parts[top : top + height, left : left + width] == part
            box = x + left, y + top, width, height
            found.append(replace(self, area=area, box=box, code=_encoded(inside)))
        return found


def find_instances(
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    min_area: int = 1,
) -> list[Instance]:
    """Connected parts of each class; pixels that touch at a corner belong together.

    Args:
        labels: (H, W) uint8: 0 background, n the n-th class, 255 ignored.
        probabilities: (H, W), at each pixel that of its own class.
        class_names: N names.
        min_area: Parts of fewer pixels are left out.

    Returns:
        Class by class, the largest first.
    """
    found: list[Instance] = []
    for label in np.unique(labels[(labels > 0) & (labels != IGNORED)]).tolist():
        of_class = (labels == label).astype(np.uint8)
        number, parts, stats, _ = cv2.connectedComponentsWithStats(of_class, connectivity=8)
        sums = np.bincount(parts.ravel(), weights=probabilities.ravel(), minlength=number)
        order = sorted(range(1, number), key=lambda part: -stats[part, cv2.CC_STAT_AREA])
        for part in order:
            x, y, width, height, area = stats[part].tolist()
            if area < min_area:
                break
            found.append(
                Instance(
                    label,
                    class_names[label - 1],
                    float(sums[part] / area),
                    area,
                    (x, y, width, height),
                    _encoded(parts[y : y + height, x : x + width] == part),
                    tuple(labels.shape),
                )
            )
    return found


def in_drawing_order(
    instances: Sequence[Instance], size: tuple[int, int]
) -> list[tuple[int, Instance]]:
    """Instances so that, if each is drawn and its holes are cut out after it, nothing is lost.

    What lies in a hole has the smaller box and comes after what surrounds it. An instance that
    reaches into a hole by a corner, from outside, comes in pieces.

    Args:
        instances: Of one image; none covers another.
        size: (H, W) of the image.

    Returns:
        Number of the instance, and the instance or a piece of it, in the order of drawing.
    """
    order = list(enumerate(instances))
    whole = set(range(len(instances)))
    while True:
        order.sort(key=lambda item: -item[1].box[2] * item[1].box[3])
        torn = _lost(order, size) & whole
        if not torn:
            return order
        whole -= torn
        order = [
            (number, piece)
            for number, one in order
            for piece in (one.pieces() if number in torn else [one])
        ]


def _lost(order: Sequence[tuple[int, Instance]], size: tuple[int, int]) -> set[int]:
    """Numbers of instances of which something is cut out with the holes of later ones."""
    holes = [one.holes for _, one in order]
    if not any(each.any() for each in holes):
        return set()
    drawn = np.full(size, -1, np.int32)
    windows = [np.s_[y : y + h, x : x + w] for x, y, w, h in (one.box for _, one in order)]
    for (number, one), window, hole in zip(order, windows, holes, strict=True):
        drawn[window][one.mask] = number
        drawn[window][hole] = -1
    return {
        number
        for (number, one), window in zip(order, windows, strict=True)
        if (drawn[window][one.mask] != number).any()
    }


def _encoded(mask: np.ndarray) -> dict:
    """Run-length code of an (h, w) bool mask."""
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))
