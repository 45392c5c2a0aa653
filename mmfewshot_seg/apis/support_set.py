"""Support sets of a user: images and what marks a class in them, class by class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PILImage

from mmfewshot_seg.annotations.annotation_label import Annotation
from mmfewshot_seg.datasets.sources.folder import FolderSource

Image = str | Path | np.ndarray | PILImage.Image
Supports = dict[str, list[tuple[Image, Annotation]]]


def group_supports(
    images: Image | Sequence[Image | Sequence[Image]],
    masks: Annotation | Sequence[Annotation | Sequence[Annotation]],
    class_names: str | Sequence[str],
) -> Supports:
    """Images and masks by class, the classes in the order of their first appearance.

    Args:
        images: Images; or, for each class, a list of images.
        masks: A mask for each image, in lists as ``images`` are.
        class_names: A name for each image, repeated where images show the same class; for each
            class if ``images`` are lists; or one name for all.

    Raises:
        ValueError: If the numbers do not agree, or there is nothing.
    """
    images, masks = as_list(images), as_list(masks)
    if isinstance(class_names, str):
        class_names = [class_names] * len(images)
    if not len(images) == len(masks) == len(class_names):
        raise ValueError(
            f'{len(images)} images, {len(masks)} masks and {len(class_names)} class names: give a '
            'mask and a class name for each image, or a list of images and one of masks for each '
            'class'
        )
    supports: Supports = {}
    for name, shots, annotations in zip(class_names, images, masks, strict=True):
        shots, annotations = as_list(shots), as_list(annotations)
        if len(shots) != len(annotations) or not shots:
            raise ValueError(
                f'class {name!r} has {len(shots)} images and {len(annotations)} masks; give at '
                'least one image, and a mask for each'
            )
        supports.setdefault(name, []).extend(zip(shots, annotations, strict=True))
    if not 0 < len(supports) < 255:
        raise ValueError(f'a support set has 1 to 254 classes, not {len(supports)}')
    return supports


def folder_supports(folder: str | Path, mask_suffix: str = '.png') -> Supports:
    """Supports of a folder of class folders with ``<n>.jpg`` and ``<n>.png``.

    Args:
        folder: Layout of :class:`FolderSource`.
        mask_suffix: How the name of a mask goes on after the stem of its image; ``'.json'`` for
            files of LabelMe.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: As :class:`FolderSource`.
    """
    source = FolderSource(str(folder), mask_suffix=mask_suffix, index_dir=None)
    files = iter(source.files())
    pairs = list(zip(files, files, strict=True))
    images, masks = zip(*pairs, strict=True)
    return group_supports(images, masks, [Path(image).parent.name for image in images])


def as_list(value) -> list:
    """A list of one image or annotation, or of a sequence of them."""
    single = isinstance(value, Image | Annotation)
    return [value] if single else list(value)
