"""An image with a label map of several classes beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from PIL import Image

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage, MarkedObject, encode, some
from mmfewshot_seg.datasets.sources.image_files import decoding
from mmfewshot_seg.datasets.sources.masks import Value, read_label_map, turned
from mmfewshot_seg.structures.labels import IGNORED

_UNLISTED = -1


@dataclass(frozen=True)
class ValueTable:
    """What the values or colours of label maps mean.

    Attributes:
        classes: Value, or RGB colour, of each class.
        background: Values or colours of the background.
        void: Values or colours that are not annotated.
        source: Names it in messages.
    """

    classes: Mapping[str, Value]
    background: tuple[Value, ...]
    void: tuple[Value, ...]
    source: str

    @property
    def is_coloured(self) -> bool:
        """Whether there are colours instead of values."""
        return any(isinstance(value, tuple) for value in self._meanings)

    @property
    def _meanings(self) -> dict[Value, int]:
        """Number of the class from 1, 0 background, 255 void; a class comes before them."""
        numbered = {value: number for number, value in enumerate(self.classes.values(), start=1)}
        return {
            **dict.fromkeys(self.void, IGNORED),
            **dict.fromkeys(self.background, 0),
            **numbered,
        }

    def read(self, path: str) -> np.ndarray:
        """(H, W) uint8 of a file: n the n-th class, 0 background, 255 void.

        Raises:
            UnreadableImageError: If it cannot be decoded.
            ValueError: If it has values or colours that the table does not have.
        """
        if self.is_coloured:
            values = _packed_colours(path)
            meanings = {_pack(np.array(c)).item(): n for c, n in self._meanings.items()}
        else:
            values = read_label_map(path).astype(np.int64)
            meanings = {int(value): n for value, n in self._meanings.items()}  # type: ignore[arg-type]  # all are whole numbers
        found, places = np.unique(values, return_inverse=True)
        table = np.array([meanings.get(value, _UNLISTED) for value in found.tolist()])
        if (table == _UNLISTED).any():
            odd = found[table == _UNLISTED].tolist()
            odd = [_unpack(value) for value in odd] if self.is_coloured else odd
            kind = 'colours' if self.is_coloured else 'values'
            raise ValueError(
                f'{path} has {kind} that {self.source} does not name: {some(map(str, odd))}; it '
                f'names {some(f"{n}={v}" for n, v in self.classes.items())}. Name them; background '
                'and void are names too, and in a list without values the first line is value 0'
            )
        return table.astype(np.uint8)[places.reshape(values.shape)]


@dataclass(frozen=True)
class LabelMapImage(AnnotatedImage):
    """An image with a label map.

    Attributes:
        path: File of the image.
        source: File of the label map.
        table: What its values mean.
        objects_path: File in which every object has a colour or value of its own; None: the
            8-connected regions of a class are its objects.
    """

    path: str
    source: str
    table: ValueTable
    objects_path: str | None = None

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Classes of which something is marked; reads the label map."""
        found = set(np.unique(self.table.read(self.source)).tolist())
        return tuple(n for i, n in enumerate(self.table.classes, start=1) if i in found)

    def label(self, class_name: str, size: tuple[int, int]) -> np.ndarray:
        """Label map of a class, see :meth:`AnnotatedImage.label`."""
        labels = self._read(size)
        number = list(self.table.classes).index(class_name) + 1
        return np.where(labels == IGNORED, IGNORED, labels == number).astype(np.uint8)

    def objects(self, size: tuple[int, int]) -> list[MarkedObject]:
        """Objects of all classes, see :meth:`AnnotatedImage.objects`."""
        labels, parts = self._read(size), None
        if self.objects_path is not None:
            parts = _packed_colours(self.objects_path)
            _check_size(self.objects_path, parts, size)
        return objects_of(labels, tuple(self.table.classes), parts)

    def _read(self, size: tuple[int, int]) -> np.ndarray:
        labels = self.table.read(self.source)
        _check_size(self.source, labels, size)
        return labels


def _check_size(path: str, labels: np.ndarray, size: tuple[int, int]) -> None:
    if labels.shape != tuple(size):
        raise ValueError(f'{path} has the size {labels.shape}, its image {tuple(size)} (H, W)')


def objects_of(
    labels: np.ndarray, class_names: Sequence[str], parts: np.ndarray | None = None
) -> list[MarkedObject]:
    """Objects of a label map; what is void is a crowd of each class that is there.

    Args:
        labels: (H, W) uint8: n the n-th class, 0 background, 255 void.
        class_names: Names of the classes.
        parts: (H, W), the same number for pixels of one object. None: the 8-connected regions of a
            class are its objects.
    """
    void = encode(labels == IGNORED) if (labels == IGNORED).any() else None
    found = []
    for number, name in enumerate(class_names, start=1):
        of_class = labels == number
        if not of_class.any():
            continue
        of_parts = parts
        if of_parts is None:
            of_parts = cv2.connectedComponents(of_class.astype(np.uint8), connectivity=8)[1]
        for value in np.unique(of_parts[of_class]):
            found.append(MarkedObject(name, encode(of_class & (of_parts == value))))
        if void is not None:
            found.append(MarkedObject(name, void, is_crowd=True))
    return found


def _packed_colours(path: str) -> np.ndarray:
    """(H, W) int64, a number for each colour of a file."""
    with decoding(path), Image.open(path) as image:
        return _pack(np.array(turned(image).convert('RGB')))


def _pack(colours: np.ndarray) -> np.ndarray:
    colours = colours.astype(np.int64)
    return (colours[..., 0] << 16) | (colours[..., 1] << 8) | colours[..., 2]


def _unpack(value: int) -> tuple[int, int, int]:
    return value >> 16, value >> 8 & 255, value & 255
