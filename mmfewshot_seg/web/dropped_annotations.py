"""Examples that files of annotations make of the images that are dropped with them."""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmfewshot_seg.annotations import (
    AnnotatedImage,
    AnnotationSet,
    annotation_label,
    read_annotations,
)
from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.web.images import encode_region

MAX_DRAWN = 10**10  # shapes times pixels of their images: half a minute
Turn = Callable[[], AbstractContextManager]


def dropped_examples(
    files: Sequence[tuple[str, bytes]],
    images: Sequence[tuple[str, tuple[int, int]]],
    most: int,
    turn: Turn,
) -> dict:
    """Examples, class by class in the order of the files.

    Args:
        files: Name and content of each file: LabelMe, COCO or CVAT, see :func:`read_annotations`.
        images: Name and size (H, W) of each image; what it shows does not matter.
        most: At most so many examples.
        turn: What a file is read in, and an example drawn.

    Returns:
        ``examples``: dicts of ``image`` (its name), ``name`` of the class and ``strokes``, see
        :func:`mask_strokes`; ``errors``: what is left out and why, a sentence each, which name the
        file; ``unmarked``: names of the images of which there is no example.

    Raises:
        ValueError: If there are more than ``most`` examples.
    """
    twice = _twice([name for name, _ in images]) | _twice([name for name, _ in files])
    errors = [f'{name}: two files have this name, give each its own' for name in sorted(twice)]
    sizes = {name: size for name, size in images if name not in twice}
    sets: list[AnnotationSet] = []
    with TemporaryDirectory() as folder:
        for name, content in files:
            if name not in twice:
                with _told(errors, folder, name), turn():
                    sets.append(_read(Path(folder), name, content, list(sizes)))
        marked = _class_by_class(sets)
        if len(marked) > most:
            raise ValueError(
                f'{len(marked)} examples are marked, the page takes {most}: drop fewer images'
            )
        examples, drawn = [], 0
        for class_name, image in marked:
            source, size = os.path.basename(image.source), sizes[image.path]
            with _told(errors, folder, source, f' ({image.path})'), turn():
                drawn += _check_drawn(image, class_name, size, drawn)
                label = annotation_label(image, size, class_name)
                strokes = mask_strokes(label)
                examples.append(dict(image=image.path, name=class_name, strokes=strokes))
    shown = {example['image'] for example in examples}
    unmarked = [name for name in sizes if name not in shown]
    return dict(examples=examples, errors=errors, unmarked=unmarked)


def mask_strokes(label: np.ndarray) -> list[dict]:
    """What the page keeps of an (H, W) label map: the class, and the background if it is marked.

    Returns:
        Dicts of ``tool`` and ``url``, a PNG that is opaque where it marks.
    """
    strokes = [dict(tool='mask', url=encode_region(label == 1))]
    if (label == IGNORED).any():
        strokes.append(dict(tool='background', url=encode_region(label == 0)))
    return strokes


def _twice(names: Sequence[str]) -> set[str]:
    return {name for name, number in Counter(names).items() if number > 1}


def _read(folder: Path, name: str, content: bytes, images: Sequence[str]) -> AnnotationSet:
    """Annotations of a file, of these images alone.

    Raises:
        ValueError: If its name is none, or as :func:`read_annotations`.
        FileNotFoundError: If its images are not among these.
    """
    path = folder / name
    if path.parent != folder or path.name != name or name == '..' or '\\' in name:
        raise ValueError('this is a path, expected the name of a file')
    path.write_bytes(content)
    return read_annotations(path, img_files=images)


def _class_by_class(sets: Sequence[AnnotationSet]) -> list[tuple[str, AnnotatedImage]]:
    names = dict.fromkeys(name for one in sets for name in one.class_names)
    places = {name: place for place, name in enumerate(names)}
    marked = [(name, image) for one in sets for image in one.images for name in image.class_names]
    return sorted(marked, key=lambda pair: places[pair[0]])


def _check_drawn(image: AnnotatedImage, class_name: str, size: tuple[int, int], before: int) -> int:
    """Shapes of a class times pixels.

    Raises:
        ValueError: If they are more than the page draws, with those ``before``.
    """
    number = sum(shape.class_name in (class_name, None) for shape in image.shapes)
    drawn = number * math.prod(size)
    if before + drawn > MAX_DRAWN:
        raise ValueError(
            f'{number} shapes of {class_name!r} on {size[1]}x{size[0]} pixels are more than the '
            'page draws at once: drop fewer files, or make the images smaller'
        )
    return drawn


@contextmanager
def _told(errors: list[str], folder: str, name: str, more: str = '') -> Iterator[None]:
    """Adds an error of a file to the others, without the folder in which it lies here."""
    try:
        yield
    except (OSError, ValueError) as error:
        text = str(error).replace(f'{folder}{os.sep}', '')
        errors.append(text if text.startswith(name) else f'{name}{more}: {text}')
