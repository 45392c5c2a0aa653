"""Source: one folder per class, the layout of FSS-1000."""

import os
from collections.abc import Iterable, Sequence

import numpy as np

from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES
from mmfewshot_seg.datasets.sources.masks import (
    WHITE,
    Value,
    check_choice,
    choice_hint,
    mask_label,
    read_values,
)
from mmfewshot_seg.registry import DATASETS, register
from mmfewshot_seg.structures.labels import IGNORED

_UNDECLARED = 254
OWN_SUFFIX = '_mask.png'  # of masks beside images that are png files


@register(DATASETS, host='mmseg')
class FolderSource(EpisodeSource):
    """Images and masks in a folder per class.

    ::

        data_root/
            apple/  1.jpg  1.png  2.jpg  2.png ...
            zebra/  1.jpg  1.png ...

    The folder names are the class names, sorted. A mask belongs to the image of the same stem.
    Every image shows its own class; other classes in it are not annotated and count as background.

    Args:
        data_root: Folder of the class folders.
        mask_suffix: How the name of a mask goes on after the stem of its image, in capitals or
            not. None: ``'_mask.png'`` if there are files of such names, which they need beside
            images that are png files too, else ``'.png'``.
        background_value: Mask value of the background.
        foreground_values: Mask values of the class. None: 255, but in a mask with the value 1 that
            is the class and 255 is void.
        ignore_value: Mask value of void pixels, or None.
        threshold: Grey value from which on a pixel is of the class, for masks with smooth edges;
            the masks of FSS-1000 itself need 128. The values above are then not used. None: exact
            values.
        mask_value: Value, or RGB colour, of the class, for masks of several classes: 255 is void,
            all else background. The values above are then not used.
        index_dir: See :class:`EpisodeSource`.
        skip_unreadable: See :class:`EpisodeSource`.

    Raises:
        FileNotFoundError: If there is no ``data_root``.
        ValueError: If there is no class folder, a class has no images, or an image has no mask or
            several, or a mask no image, naming them; or if threshold or value are out of range.
    """

    def __init__(
        self,
        data_root: str,
        mask_suffix: str | None = None,
        background_value: int = 0,
        foreground_values: Sequence[int] | None = None,
        ignore_value: int | None = None,
        threshold: float | None = None,
        index_dir: str | None = 'work_dirs/index',
        skip_unreadable: bool = False,
        mask_value: Value | None = None,
    ) -> None:
        super().__init__(index_dir, skip_unreadable)
        if not os.path.isdir(data_root):
            raise FileNotFoundError(f'data_root {data_root!r} is no folder')
        self.background_value = background_value
        self.foreground_values = (WHITE,) if foreground_values is None else tuple(foreground_values)
        self.ignore_value = ignore_value
        self.takes_ones = foreground_values is None and ignore_value is None
        check_choice(threshold, mask_value)
        self.threshold, self.mask_value = threshold, mask_value
        self._values = self._value_table()
        self.class_names = tuple(
            sorted(entry.name for entry in os.scandir(data_root) if _is_class(entry))
        )
        self.mask_suffix = self._usual_suffix(data_root) if mask_suffix is None else mask_suffix
        if not self.class_names:
            raise ValueError(f'{data_root} holds no folders; expected one folder per class')
        self._items = [
            (class_id, image, mask)
            for class_id, name in enumerate(self.class_names)
            for image, mask in self._scan(os.path.join(data_root, name))
        ]

    def _value_table(self) -> np.ndarray:
        """(256,) uint8: 0 background, 1 class, 255 void, or undeclared, for each mask value."""
        declared = {self.background_value: 0, **dict.fromkeys(self.foreground_values, 1)}
        if self.ignore_value is not None:
            declared[self.ignore_value] = IGNORED
        if len(declared) != 1 + len(self.foreground_values) + (self.ignore_value is not None):
            raise ValueError(
                f'a mask value has one meaning only: background {self.background_value}, '
                f'foreground {self.foreground_values}, ignored {self.ignore_value}'
            )
        table = np.full(256, _UNDECLARED, dtype=np.uint8)
        for value, meaning in declared.items():
            table[value] = meaning
        return table

    def _usual_suffix(self, data_root: str) -> str:
        own = any(
            name.lower().endswith(OWN_SUFFIX)
            for class_name in self.class_names
            for name in os.listdir(os.path.join(data_root, class_name))
        )
        return OWN_SUFFIX if own else '.png'

    def _scan(self, folder: str) -> list[tuple[str, str]]:
        """Image and mask files of one class."""
        names = sorted(name for name in os.listdir(folder) if not name.startswith('.'))
        masks, images = {}, {}
        for name in names:
            stem, suffix = os.path.splitext(name)
            if name.lower().endswith(self.mask_suffix.lower()):
                stem = name[: len(name) - len(self.mask_suffix)]
                if stem in masks:
                    raise ValueError(f'{folder} holds two masks of the stem {stem!r}')
                masks[stem] = os.path.join(folder, name)
            elif suffix.lower() in IMAGE_SUFFIXES:
                if stem in images:
                    raise ValueError(f'{folder} holds two images of the stem {stem!r}')
                images[stem] = os.path.join(folder, name)
        if not images and not masks:
            below = any(os.path.isdir(os.path.join(folder, name)) for name in names)
            hint = '; data_root must be the folder of the class folders' if below else ''
            raise ValueError(f'class folder {folder} holds no images{hint}')
        suffixes = ', '.join(IMAGE_SUFFIXES)
        expected = f'expected <n>{self.mask_suffix} beside <n> with one of {suffixes}'
        if lonely := sorted(images.keys() - masks.keys()):
            raise ValueError(f'image without mask: {images[lonely[0]]}; {expected}')
        if lonely := sorted(masks.keys() - images.keys()):
            hint = '; masks of png images need a mask_suffix of their own, as _mask.png'
            hint = hint if self.mask_suffix == '.png' and not images else ''
            raise ValueError(f'mask without image: {masks[lonely[0]]}; {expected}{hint}')
        return [(images[stem], masks[stem]) for stem in sorted(images)]

    def __len__(self) -> int:
        return len(self._items)

    def image_path(self, j: int) -> str:
        """File of image ``j``."""
        return self._items[j][1]

    def label_map(self, j: int, class_ids: Sequence[int]) -> np.ndarray:
        """(H, W) uint8: n where image ``j`` shows ``class_ids[n - 1]``, else 0; 255 for void."""
        class_id = self._items[j][0]
        way = list(class_ids).index(class_id) + 1 if class_id in class_ids else 0
        labels = self._read(j)
        labels[labels == 1] = way
        return labels

    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) of the mask of image ``j``, and pixels of its class."""
        labels = self._read(j)
        return labels.shape, {self._items[j][0]: int(np.count_nonzero(labels == 1))}

    def _read(self, j: int) -> np.ndarray:
        """(H, W) uint8: 0 background, 1 class, 255 void."""
        path = self._items[j][2]
        if self.threshold is not None or self.mask_value is not None:
            return mask_label(path, self.threshold, self.mask_value)
        classes = {self.background_value, *self.foreground_values}
        if self.takes_ones:
            declared = {*classes, 1}
        else:
            declared = classes if self.ignore_value is None else {*classes, self.ignore_value}
        mask = read_values(
            path, declared, white=1 if 1 in classes and WHITE not in classes else WHITE
        )
        labels = self._values[mask]
        if self.takes_ones and (mask == 1).any():
            labels[mask == 1], labels[mask == WHITE] = 1, IGNORED
        if (undeclared := labels == _UNDECLARED).any():
            values = np.unique(mask[undeclared])
            raise ValueError(
                f'{path} holds mask values that are not declared: {values[:10].tolist()}; declared '
                f'are background {self.background_value}, foreground {self.foreground_values}, '
                f'ignored {self.ignore_value}. Set foreground_values or ignore_value. '
                f'{choice_hint(np.unique(mask), "threshold")}'
            )
        return labels

    def files(self) -> Iterable[str]:
        """Images and masks."""
        for _, image, mask in self._items:
            yield image
            yield mask

    def options(self) -> dict:
        """How masks are read."""
        return {
            'background_value': self.background_value,
            'foreground_values': self.foreground_values,
            'takes_ones': self.takes_ones,
            'ignore_value': self.ignore_value,
            'threshold': self.threshold,
            'mask_value': self.mask_value,
        }


def _is_class(entry: os.DirEntry) -> bool:
    return entry.is_dir() and not entry.name.startswith('.')
