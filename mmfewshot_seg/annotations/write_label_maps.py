"""Annotations as label maps beside images, for semantic networks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage
from mmfewshot_seg.annotations.image_copies import ImageCopies
from mmfewshot_seg.annotations.value_table import parse_value_table
from mmfewshot_seg.structures.labels import IGNORED

BACKGROUND = 'background'


class LabelMaps:
    """``img_dir/<split>/<n>.jpg``, ``ann_dir/<split>/<n>.png`` and ``classes.txt``.

    Label 0 is the background, n the n-th class, 255 not annotated; the files have a palette.

    Args:
        folder: Folder to write into.
        split: ``'train'`` or ``'val'``.
        class_names: The classes, without the background.
        images: Not used: they are added one by one.
        link: Whether images are symbolic links.

    Raises:
        ValueError: If there are more than 254 classes, or ``classes.txt`` would not be read as it
            is meant: of a class named ``void``, of a number as a name.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        class_names: Sequence[str],
        images: Iterable[AnnotatedImage],
        link: bool,
    ) -> None:
        if len(class_names) >= IGNORED:
            raise ValueError(f'label maps have up to 254 classes, not {len(class_names)}')
        _check_names(class_names)
        self._class_names = tuple(class_names)
        self._copies = ImageCopies(folder / 'img_dir' / split, link)
        self._labels = folder / 'ann_dir' / split
        self._labels.mkdir(parents=True)
        self._table = folder / 'classes.txt'

    def add(self, image: AnnotatedImage, size: tuple[int, int]) -> dict[str, int]:
        """Write an image and its label map; returns 1 for each class that is seen."""
        labels = image.label_map(self._class_names, size)
        copy = self._copies.add(image.path)
        picture = Image.fromarray(labels)
        picture.putpalette([value for colour in voc_palette(256) for value in colour])
        picture.save(self._labels / f'{copy.stem}.png')
        found = set(np.unique(labels).tolist())
        return {n: 1 for number, n in enumerate(self._class_names, start=1) if number in found}

    def close(self) -> None:
        """Write the names of labels 0, 1, ..., a line each."""
        self._table.write_text(_table_text(self._class_names), encoding='utf-8')


def _table_text(class_names: Sequence[str]) -> str:
    return ''.join(f'{name}\n' for name in (BACKGROUND, *class_names))


def _check_names(class_names: Sequence[str]) -> None:
    """Refuse names that would be read as something else."""
    for name in class_names:
        try:
            table = parse_value_table(_table_text([name]), 'classes.txt')
        except ValueError:
            table = None
        if table is None or dict(table.classes) != {name: 1}:
            raise ValueError(
                f'classes.txt cannot name a class {name!r}: it would be read as another name, '
                'background, void, a value or a comment. Rename it, or choose others by '
                'class_names (--class-names)'
            )


def voc_palette(number: int) -> list[tuple[int, ...]]:
    """The first RGB colours of PASCAL VOC: black, dark red, dark green, ...

    Bits 3i, 3i + 1 and 3i + 2 of the label are bit 7 - i of red, green and blue.
    """
    return [
        tuple(
            sum((label >> (3 * i + channel) & 1) << (7 - i) for i in range(8))
            for channel in range(3)
        )
        for label in range(number)
    ]
