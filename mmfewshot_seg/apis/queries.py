"""Queries of a user, one by one: a file, a folder, a video, arrays."""

import logging
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmengine.logging import print_log
from PIL import Image
from torch import Tensor

from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES, UnreadableImageError

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')

QueryImage = str | Path | np.ndarray | Image.Image
Queries = QueryImage | Iterable[QueryImage]


@dataclass
class Query:
    """An image to segment.

    Attributes:
        name: Name of its results; no two of a call have the same.
        path: Its file, or None.
        image: (H, W, 3) uint8 BGR.
        seen: (3, H', W') uint8, what the network sees.
        content: Height and width of the part of ``seen`` that is no padding.
    """

    name: str
    path: str | None
    image: np.ndarray
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
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return [inputs]
    video = mmcv.VideoReader(str(path))
    if len(video) <= 0:
        raise ValueError(f'{path} cannot be decoded as a video')
    return video


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


def read_queries(
    images: Iterable[QueryImage],
    pipeline: ImagePipeline,
    numbers: Iterator[int],
    skip_unreadable: bool = False,
) -> Iterator[Query]:
    """Load and transform images; those without a path are named by the next of ``numbers``.

    Args:
        images: What :func:`list_images` gave.
        pipeline: Loads and transforms.
        numbers: Names of arrays.
        skip_unreadable: Leave out files that cannot be decoded; how many is logged at the end.

    Raises:
        ValueError: If an image cannot be read, and is not to be left out.
    """
    taken: set[str] = set()
    unreadable: list[str] = []
    for image in images:
        path = str(image) if isinstance(image, str | Path) else None
        stem = Path(path).stem if path else f'{next(numbers):08d}'
        taken.add(name := free_name(stem, taken))
        try:
            image = pipeline.load(image)
        except UnreadableImageError as error:
            if not skip_unreadable:
                raise
            unreadable.append(str(error))
            continue
        transformed, inside = pipeline(image, np.ones(image.shape[:2], np.uint8))
        height, width = ((inside == 1).any(axis).sum() for axis in (1, 0))
        seen = torch.from_numpy(np.ascontiguousarray(transformed))
        yield Query(name, path, image, seen, (int(height), int(width)))
    if unreadable:
        print_log(
            f'{len(unreadable)} images cannot be read and were left out: {_some(unreadable)}',
            'current',
            logging.WARNING,
        )


def _some(items: list[str], most: int = 10) -> str:
    more = f' and {len(items) - most} more' if len(items) > most else ''
    return ', '.join(items[:most]) + more
