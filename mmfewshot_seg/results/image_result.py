"""What was found in an image, as the writers of files take it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmfewshot_seg.results.instances import Instance


@dataclass(frozen=True)
class ImageResult:
    """What was found in an image.

    Attributes:
        name: Name of its files, without an ending.
        path: File of the image, or None.
        size: (H, W) in pixels.
        class_names: Names of labels 1..N.
        instances: What was found.
    """

    name: str
    path: str | None
    size: tuple[int, int]
    class_names: Sequence[str]
    instances: Sequence[Instance]


def file_names(images: Sequence[tuple[str, str | None]]) -> list[str]:
    """Names of image files, relative to the innermost folder that holds all of them.

    Args:
        images: Name and path of each, see :class:`ImageResult`; without a path it is called
            ``<name>.png``.
    """
    paths = [path and os.path.abspath(path) for _, path in images]
    folders = {os.path.dirname(path) for path in paths if path}
    try:
        folder = os.path.commonpath(folders) if folders else ''
    except ValueError:  # several drives of Windows
        folder = ''
    return [
        Path(os.path.relpath(path, folder) if folder else path).as_posix()
        if path
        else f'{name}.png'
        for (name, _), path in zip(images, paths, strict=True)
    ]
