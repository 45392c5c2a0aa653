"""Annotations as a folder of class folders, the layout of :class:`FolderSource`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage
from mmfewshot_seg.annotations.image_copies import ImageCopies
from mmfewshot_seg.datasets.sources.folder import OWN_SUFFIX
from mmfewshot_seg.structures.labels import IGNORED

_MASK_ENDING = Path(OWN_SUFFIX).stem


class ClassFolders:
    """``<class>/<n>.jpg`` with a mask ``<n>.png``, or ``<n>_mask.png`` if there are png images.

    Masks are 0 and 255, or where something is not annotated 0, 1 and 255 (not annotated).

    Args:
        folder: Folder to write into.
        split: Not used: class folders are split by classes.
        class_names: The classes.
        images: All images that come.
        link: Whether images are symbolic links.

    Raises:
        ValueError: If two classes would have the same folder.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        class_names: Sequence[str],
        images: Iterable[AnnotatedImage],
        link: bool,
    ) -> None:
        names = {name: _folder_name(name) for name in class_names}
        if len({name.lower() for name in names.values()}) < len(names):
            raise ValueError(f'two of the classes would have the same folder: {class_names}')
        has_png = any(image.path.lower().endswith('.png') for image in images)
        self.mask_suffix = OWN_SUFFIX if has_png else '.png'
        self._folders = {name: folder / own for name, own in names.items()}
        self._copies: dict[str, ImageCopies] = {}
        self._link = link

    def add(self, image: AnnotatedImage, size: tuple[int, int]) -> dict[str, int]:
        """Write an image and its masks; returns 1 for each class of which a pixel is marked."""
        counts = {}
        for name in image.class_names:
            if name not in self._folders:
                continue
            label = image.label(name, size)
            if not (label == 1).any():
                continue
            if name not in self._copies:
                self._copies[name] = ImageCopies(self._folders[name], self._link)
            copy = self._copies[name].add(image.path, unlike=_MASK_ENDING)
            mask = label if (label == IGNORED).any() else label * 255
            Image.fromarray(np.ascontiguousarray(mask)).save(
                copy.with_name(f'{copy.stem}{self.mask_suffix}')
            )
            counts[name] = 1
        return counts

    def close(self) -> None:
        """Nothing belongs to all images."""


def _folder_name(class_name: str) -> str:
    """The name without what folders cannot be called."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', '_', class_name).strip() or '_'
    return f'_{name}' if name.startswith('.') else name
