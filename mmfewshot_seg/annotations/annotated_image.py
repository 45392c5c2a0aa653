"""Images with what is marked in them, the same for every format."""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pycocotools import mask as coco_mask

from mmfewshot_seg.did_you_mean import did_you_mean
from mmfewshot_seg.structures.labels import IGNORED


@dataclass(frozen=True)
class MarkedObject:
    """An object in an image.

    Attributes:
        class_name: Name of its class.
        code: Run-length code of its pixels, compressed, as pycocotools has it.
        polygons: Lists of x1, y1, x2, y2, ... that draw exactly these pixels by COCO's rules, or
            None.
        is_crowd: Whether nobody knows where among its pixels the class is: 255 in a label map.
    """

    class_name: str
    code: dict
    polygons: list[list[float]] | None = None
    is_crowd: bool = False

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool."""
        return coco_mask.decode(self.code) > 0

    @property
    def area(self) -> int:
        """Number of its pixels."""
        return int(coco_mask.area(self.code))


def encode(mask: np.ndarray) -> dict:
    """Run-length code of an (H, W) bool mask."""
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))


class AnnotatedImage(ABC):
    """An image and what is marked in it.

    Attributes:
        path: File of the image.
        source: File that marks it.
    """

    path: str
    source: str

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """Classes of which something is marked."""

    @abstractmethod
    def label(self, class_name: str, size: tuple[int, int]) -> np.ndarray:
        """Label map of a class.

        Args:
            class_name: Name of the class.
            size: (H, W) of the image.

        Returns:
            (H, W) uint8: 0 background, 1 the class, 255 not annotated.

        Raises:
            ValueError: If the annotation does not fit the image, or has no such class.
            UnreadableImageError: If ``source`` cannot be decoded.
        """

    @abstractmethod
    def objects(self, size: tuple[int, int]) -> list[MarkedObject]:
        """Objects of all classes, from the lowest to the topmost where they overlap.

        Args:
            size: (H, W) of the image.

        Raises:
            ValueError: If the annotation does not fit the image.
            UnreadableImageError: If ``source`` cannot be decoded.
        """

    @property
    def is_prompted(self) -> bool:
        """Whether it has nothing but lines and points, which make no object."""
        return False

    def label_map(self, class_names: Sequence[str], size: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8: n where ``class_names[n - 1]`` is, else 0; 255 not annotated.

        Raises:
            ValueError: As :meth:`objects`.
        """
        values = {name: number for number, name in enumerate(class_names, start=1)}
        labels = np.zeros(size, np.uint8)
        objects = self.objects(size)
        for thing in sorted(objects, key=lambda thing: not thing.is_crowd):
            if thing.class_name in values:
                labels[thing.mask] = IGNORED if thing.is_crowd else values[thing.class_name]
        return labels


@dataclass(frozen=True)
class AnnotationSet:
    """Annotated images of one source.

    Attributes:
        format: Name of the format.
        source: File or folder that was read.
        class_names: All classes, in the order of the source.
        images: The images, in an order that does not depend on the file system.
        notes: What a user should know, a sentence each.
    """

    format: str
    source: str
    class_names: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]
    notes: tuple[str, ...] = ()

    def check_names(self, class_names: Iterable[str]) -> tuple[str, ...]:
        """The names, if all of them are classes here; each once.

        Raises:
            ValueError: If one is not.
        """
        names = tuple(dict.fromkeys(class_names))
        for name in names:
            if name not in self.class_names:
                raise ValueError(
                    f'{self.source} ({self.format}) has no class {name!r}'
                    f'{did_you_mean(name, self.class_names)}; it has {some(self.class_names)}'
                )
        return names

    def of_class(self, class_name: str, most: int | None = None) -> list[AnnotatedImage]:
        """Images in which a class is marked.

        Args:
            class_name: Name of the class.
            most: At most so many of them, spread evenly over their order, the first among them.
                None: all.
        """
        images = [image for image in self.images if class_name in image.class_names]
        return images if most is None else evenly(images, most)


def alike_names(names: Iterable[str]) -> tuple[str, ...]:
    """Notes on names that look alike: unlike in case, spaces or the Unicode form alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        key = ' '.join(unicodedata.normalize('NFKC', name).casefold().replace('_', ' ').split())
        alike.setdefault(key, []).append(name)
    return tuple(
        f'{" and ".join(map(ascii, group))} look alike, but are {len(group)} classes'
        for group in alike.values()
        if len(group) > 1
    )


T = TypeVar('T')


def evenly(items: Sequence[T], number: int) -> list[T]:
    """So many of some items, or all if there are fewer, spread evenly, the first among them."""
    number = min(number, len(items))
    return [items[n * len(items) // number] for n in range(number)]


def some(items: Iterable[str], most: int = 10) -> str:
    """The first of some names, and how many more there are."""
    items = list(items)
    more = f' and {len(items) - most} more' if len(items) > most else ''
    return ', '.join(items[:most]) + more
