"""Support sets of a user: images and what marks a class in them, class by class."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from PIL import Image as PILImage
from torch import Tensor

from mmfewshot_seg.annotations import read_annotations
from mmfewshot_seg.annotations.annotated_image import alike_names
from mmfewshot_seg.annotations.annotation_label import Annotation
from mmfewshot_seg.structures.labels import IGNORED

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
    if isinstance(class_names, set | frozenset):
        raise ValueError('class_names are in the order of the images: a list, not a set')
    if odd := [n for n in class_names if not isinstance(n, str) or not n.strip()]:
        raise ValueError(f'class names are texts that are not empty, got {odd[0]!r}')
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
    return _check_number(supports)


def read_supports(
    path: str | Path,
    class_names: str | Sequence[str] | None = None,
    max_shots: int | None = None,
    **reading: Any,
) -> Supports:
    """Supports of a file or folder of annotations, of any format.

    Args:
        path: See :func:`read_annotations`.
        class_names: Classes that count, in this order. None: all.
        max_shots: At most so many supports of a class, spread evenly over its images in their
            order. None: all.
        **reading: See :func:`read_annotations`.

    Raises:
        FileNotFoundError: If there is no such file or folder, or images are missing.
        ValueError: As :func:`read_annotations`; or if a class is not there or nothing shows it.
    """
    if max_shots is not None and (type(max_shots) is not int or max_shots < 1):
        raise ValueError(f'max_shots is a whole number from 1, got {max_shots!r}')
    annotations = read_annotations(path, **reading)
    for note in annotations.notes:
        if note in alike_names(annotations.class_names):
            continue  # told of all classes of a support set
        print_log(f'{path} ({annotations.format}): {note}', 'current', logging.WARNING)
    named = [class_names] if isinstance(class_names, str) else class_names
    names = annotations.class_names if named is None else annotations.check_names(named)
    supports: Supports = {}
    for name in names:
        images = annotations.of_class(name, max_shots)
        if images:
            supports[name] = [(image.path, image) for image in images]
        elif named is not None:
            raise ValueError(f'{path} ({annotations.format}) shows no {name!r} in any image')
    return _check_number(supports)


def _check_number(supports: Supports) -> Supports:
    if not 0 < len(supports) < IGNORED:
        raise ValueError(f'a support set has 1 to 254 classes, not {len(supports)}')
    return supports


def as_list(value) -> list:
    """A list of one image or annotation, or of a sequence of them."""
    single = isinstance(value, Image | Annotation | Tensor)  # a tensor is refused later on
    return [value] if single else list(value)
