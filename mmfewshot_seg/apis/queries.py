"""Queries of a user, one by one: a file, a folder, a video, arrays."""

import logging
import os
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor

from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.apis.video import frame_name, is_video, open_video
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES

QueryImage = str | Path | np.ndarray | Image.Image
Queries = QueryImage | Iterable[QueryImage]


@dataclass(frozen=True)
class NamedImage:
    """An image that is not read yet.

    Attributes:
        name: Name of its results; no two of a call have the same.
        path: Its file, or None.
        image: What was given.
    """

    name: str
    path: str | None
    image: QueryImage


@dataclass(frozen=True)
class Query:
    """An image to segment.

    Attributes:
        name: Name of its results; no two of a call have the same.
        path: Its file, or None.
        image: (H, W, 3) uint8 BGR.
    """

    name: str
    path: str | None
    image: np.ndarray


@dataclass(frozen=True)
class View:
    """An image, or a tile of one, as the network sees it.

    Attributes:
        seen: (3, H', W') uint8.
        content: Height and width of the part of ``seen`` that is no padding.
    """

    seen: Tensor
    content: tuple[int, int]


def list_images(inputs: Queries) -> Iterable[QueryImage]:
    """Images of a folder, frames of a video, or what was given; with a length where it is known.

    What else lies in a folder is logged, but for hidden files.

    Raises:
        ValueError: If a folder holds no images, or a video cannot be decoded.
    """
    if isinstance(inputs, np.ndarray):
        return list(inputs) if inputs.ndim == 4 else [inputs]
    if isinstance(inputs, Image.Image):
        return [inputs]
    if not isinstance(inputs, str | Path):
        return inputs
    path = Path(inputs)
    if path.is_dir():
        return _folder_images(path)
    return open_video(path) if is_video(path) else [inputs]


def _folder_images(folder: Path) -> list[Path]:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith('.'))
    images = [e for e in entries if e.suffix.lower() in IMAGE_SUFFIXES and not e.is_dir()]
    others = [f'{e.name}/' if e.is_dir() else e.name for e in entries if e not in images]
    if not images:
        lie = f'; there are {_some(others)}' if others else ''
        raise ValueError(f'{folder} holds no images{lie}; expected {", ".join(IMAGE_SUFFIXES)}')
    if others:
        print_log(
            f'{folder}: {len(images)} images are read, left out: {_some(others)}. Give folders '
            'within it one by one',
            'current',
            logging.WARNING,
        )
    return images


def free_name(stem: str, taken: Container[str]) -> str:
    """The stem, or the stem and a number from 2, whichever is not taken."""
    names = (f'{stem}_{i}' if i > 1 else stem for i in count(1))
    return next(name for name in names if name not in taken)


def name_images(images: Iterable[QueryImage], numbers: Iterator[int]) -> Iterator[NamedImage]:
    """Images with the names of their results; those without a path have the next of ``numbers``.

    Args:
        images: What :func:`list_images` gave.
        numbers: Names of arrays.

    Raises:
        ValueError: In its turn, if the name of a file is no text in UTF-8, as JSON and CSV are.
    """
    taken: set[str] = set()
    for image in images:
        path = str(image) if isinstance(image, str | Path) else None
        if path and (frame := frame_name(path)):
            stem, path = frame, None  # no file that other programs could open
        else:
            stem = Path(path).stem if path else f'{next(numbers):08d}'
        if path and any('\ud800' <= each <= '\udfff' for each in path):
            raise ValueError(f'{path!a}: the name of the file is no text in UTF-8: rename it')
        taken.add(name := free_name(stem, taken))
        yield NamedImage(name, path, image)


def check_kept(
    images: Iterable[NamedImage], files_of: Callable[[str], Iterable[Path]]
) -> list[NamedImage]:
    """Refuse results that would overwrite an image to segment.

    Args:
        images: All images of a run.
        files_of: Files of the results of an image, by its name.

    Returns:
        The images.

    Raises:
        ValueError: If an image would be lost.
    """
    images = list(images)
    paths = {os.path.realpath(image.path) for image in images if image.path}
    for image in images:
        for file in files_of(image.name):
            if os.path.realpath(file) in paths:
                raise ValueError(
                    f'{file} is an image to segment, and the results of {image.name} would '
                    'overwrite it: name another out_dir'
                )
    return images


def read_query(image: NamedImage, pipeline: ImagePipeline) -> Query:
    """Load an image.

    Raises:
        ValueError: If it cannot be read.
    """
    return Query(image.name, image.path, pipeline.load(image.image))


def network_view(image: np.ndarray, pipeline: ImagePipeline) -> View:
    """What the network sees of an (H, W, 3) uint8 BGR image."""
    seen, inside = pipeline(image, np.ones(image.shape[:2], np.uint8))
    height, width = ((inside == 1).any(axis).sum() for axis in (1, 0))
    return View(torch.from_numpy(np.ascontiguousarray(seen)), (int(height), int(width)))


def tell_unreadable(errors: list[str]) -> None:
    """Log how many files could not be decoded, if any, and what was wrong with some of them."""
    if errors:
        print_log(
            f'{len(errors)} images cannot be read and were left out: {_some(errors)}',
            'current',
            logging.WARNING,
        )


def _some(items: list[str], most: int = 10) -> str:
    more = f' and {len(items) - most} more' if len(items) > most else ''
    return ', '.join(items[:most]) + more
