"""An image with shapes drawn in it."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage, MarkedObject, encode, some
from mmfewshot_seg.annotations.shapes import Shape, draw, regions, touched
from mmfewshot_seg.structures.labels import IGNORED

_NEAR = 0.02  # pixels: six digits of a share of 20 000 pixels


@dataclass(frozen=True)
class DrawnImage(AnnotatedImage):
    """An image with shapes drawn in it.

    Attributes:
        path: File of the image; '' if it was not looked for.
        source: File that holds the shapes.
        shapes: In the order of drawing.
        size: (H, W) of the image as the source states it, or None.
        in_shares: Whether coordinates are shares of the image, from 0 to 1, instead of pixels.
        is_layered: Whether later shapes lie on top; else smaller objects do.
    """

    path: str
    source: str
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None = None
    in_shares: bool = False
    is_layered: bool = True

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of which something is marked, in the order of their first shape."""
        names = (shape.class_name for shape in self.shapes if shape.value == 1)
        return tuple(name for name in dict.fromkeys(names) if name is not None)

    @property
    def is_prompted(self) -> bool:
        """Whether it has nothing but lines and points, which make no object."""
        return bool(self.shapes) and all(shape.is_prompt for shape in self.shapes)

    def check_class(self, class_name: str) -> None:
        """Refuse a class of which nothing is marked.

        Raises:
            ValueError: If it is such a one.
        """
        if class_name not in self.class_names:
            raise ValueError(
                f'{self.source} has no shape named {class_name!r}, but {list(self.class_names)}'
            )

    def label(self, class_name: str, size: tuple[int, int]) -> np.ndarray:
        """Label map of a class, see :meth:`AnnotatedImage.label`."""
        self.check_class(class_name)
        fitting = [s for s in self._placed(size) if s.class_name in (class_name, None)]
        return draw(fitting, size, surely_pixels=self.in_shares)

    def objects(self, size: tuple[int, int]) -> list[MarkedObject]:
        """Objects of all classes, see :meth:`AnnotatedImage.objects`.

        What is cut out or ignored for every class is taken out of what was drawn before it; what is
        ignored becomes a crowd of each class of the image, except where that is drawn after it.
        """
        found: dict[Hashable, MarkedObject] = {}
        voids = {name: np.zeros(size, bool) for name in self.class_names}
        shapes = [shape for shape in self._placed(size) if not shape.is_prompt]
        insides = regions(shapes, size, surely_pixels=self.in_shares)
        for number, (shape, inside) in enumerate(zip(shapes, insides, strict=True)):
            if shape.class_name is None:
                found = {key: _without(thing, inside) for key, thing in found.items()}
                for void in voids.values():
                    void[inside] = shape.value == IGNORED
                continue
            key = (shape.class_name, number if shape.group is None else ('group', shape.group))
            found[key] = _joined(found.get(key), shape, inside)
            if shape.class_name in voids:
                voids[shape.class_name][inside] = False
        objects = [thing for thing in found.values() if thing.area]
        if not self.is_layered:
            objects.sort(key=lambda thing: -thing.area)
        return objects + [
            MarkedObject(name, encode(void), is_crowd=True)
            for name, void in voids.items()
            if void.any()
        ]

    def _placed(self, size: tuple[int, int]) -> tuple[Shape, ...]:
        """Shapes in pixels of an image of this size."""
        if self.size is not None and self.size != tuple(size):
            raise ValueError(
                f'{self.source} was drawn on an image of {self.size[1]}x{self.size[0]} pixels '
                f'(width x height), its image {self.path} now has {size[1]}x{size[0]}: annotate '
                'this image, or take the image as it was'
            )
        if not self.in_shares:
            return self.shapes
        return tuple(replace(shape, points=_scaled(shape.points, size)) for shape in self.shapes)


def _scaled(points: Any, size: tuple[int, int]) -> np.ndarray:
    """Coordinates in pixels of x, y, x, y, ... in shares, which have few digits."""
    points = np.asarray(points, float)
    points = points * np.resize(np.array(size[::-1], float), points.shape)
    return np.where(np.abs(points - points.round()) < _NEAR, points.round(), points)


def _without(thing: MarkedObject, inside: np.ndarray) -> MarkedObject:
    """An object without these pixels."""
    mask = thing.mask
    if not (mask & inside).any():
        return thing
    return replace(thing, code=encode(mask & ~inside), polygons=None)


def _joined(thing: MarkedObject | None, shape: Shape, inside: np.ndarray) -> MarkedObject:
    """An object with one more shape, or one of this shape alone."""
    polygons = _polygons(shape)
    if thing is None:
        name = shape.class_name or ''
        return MarkedObject(name, encode(inside), polygons, shape.value == IGNORED)
    both = None if polygons is None or thing.polygons is None else [*thing.polygons, *polygons]
    return replace(thing, code=coco_mask.merge([thing.code, encode(inside)]), polygons=both)


def _polygons(shape: Shape) -> list[list[float]] | None:
    """What draws the same by the rules of COCO, if that can be said in polygons."""
    if shape.kind == 'polygon':
        return [np.asarray(shape.points, float).reshape(-1).tolist()]
    if shape.kind == 'segmentation' and isinstance(shape.points, list):
        return [polygon for polygon in shape.points if len(polygon) >= 6]
    if shape.kind == 'box':
        rows, columns = touched(np.asarray(shape.points, float))
        x1, y1, x2, y2 = map(float, (columns.start, rows.start, columns.stop, rows.stop))
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    return None


def describe_shapes(images: tuple[DrawnImage, ...]) -> tuple[str, ...]:
    """Notes on boxes, and on shapes that make no object."""
    shapes = [shape for image in images for shape in image.shapes if shape.value == 1]
    boxes = [shape.what for shape in shapes if shape.kind == 'box']
    prompts = sum(shape.is_prompt for shape in shapes)
    notes = []
    if boxes:
        notes.append(
            f'{len(boxes)} of {len(shapes)} shapes are boxes, all of which counts as the class: '
            f'{some(boxes, 1)}'
        )
    if prompts:
        notes.append(f'{prompts} of {len(shapes)} shapes are lines or points, which are no objects')
    return tuple(notes)
