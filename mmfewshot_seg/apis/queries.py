"""Queries of a user, one by one: a file, a folder, a video, arrays."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import mmcv
import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')

Queries = str | Path | np.ndarray | Iterable[str | Path | np.ndarray]


@dataclass
class Query:
    """An image to segment.

    Attributes:
        name: Of its results; no two of a call have the same.
        path: Of its file, or None.
        image: (H, W, 3) uint8 BGR.
        seen: (3, H', W') uint8, what the network sees.
        content: Height and width of the part of ``seen`` that is no padding.
    """

    name: str
    path: str | None
    image: np.ndarray
    seen: Tensor
    content: tuple[int, int]


def list_images(inputs: Queries) -> Iterable[str | Path | np.ndarray]:
    """Images of a folder, frames of a video, or what was given; with a length where it is known.

    Raises:
        ValueError: If a folder holds no images, or a video cannot be decoded.
    """
    if isinstance(inputs, np.ndarray):
        return list(inputs) if inputs.ndim == 4 else [inputs]
    if not isinstance(inputs, str | Path):
        return inputs
    path = Path(inputs)
    if path.is_dir():
        paths = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not paths:
            raise ValueError(f'{path} holds no images; expected {", ".join(IMAGE_SUFFIXES)}')
        return paths
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return [inputs]
    video = mmcv.VideoReader(str(path))
    if len(video) <= 0:
        raise ValueError(f'{path} cannot be decoded as a video')
    return video


def read_queries(
    images: Iterable[str | Path | np.ndarray], pipeline: ImagePipeline, numbers: Iterator[int]
) -> Iterator[Query]:
    """Load and transform images; arrays are named by the next of ``numbers``.

    Raises:
        ValueError: If an image cannot be read.
    """
    taken = set()
    for image in images:
        path = str(image) if isinstance(image, str | Path) else None
        stem = Path(path).stem if path else f'{next(numbers):08d}'
        names = (f'{stem}_{i}' if i > 1 else stem for i in count(1))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        image = pipeline.load(image)
        seen, inside = pipeline(image, np.ones(image.shape[:2], np.uint8))
        height, width = ((inside == 1).any(axis).sum() for axis in (1, 0))
        seen = torch.from_numpy(np.ascontiguousarray(seen))
        yield Query(name, path, image, seen, (int(height), int(width)))
