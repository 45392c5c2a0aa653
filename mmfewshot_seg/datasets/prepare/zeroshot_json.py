"""Annotation files of the zero-shot tasks, made from COCO-format files.

train    images without any object of an unseen class, not even a crowd; seen categories
unseen   images with an object of an unseen class; unseen categories (ZSI, ZSD)
gzsi     the same images; seen, then unseen categories (GZSI, GZSD)

Categories keep their ids and are listed in the order of the split, which is that of the labels and
word vectors. Objects of categories in neither list are dropped.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.zeroshot_splits import (
    ZeroShotSplit,
    category_ids,
    plain_name,
    resolve_split,
)
from mmfewshot_seg.datasets.sources.coco_json import read_coco_json
from mmfewshot_seg.files.whole_file import write_whole


@dataclass(frozen=True)
class PreparedFile:
    """What was written.

    Attributes:
        path: The file.
        changed: False if the file was there already with this content.
        images: Number of images.
        without_objects: Those of them that show no object of the categories.
        objects: Annotations that are no crowds.
        crowds: Annotations that are.
        categories: Number of categories.
        missing: Names of categories without any object.
        dropped_images: Images of the source that are not in it.
    """

    path: Path
    changed: bool
    images: int
    without_objects: int
    objects: int
    crowds: int
    categories: int
    missing: tuple[str, ...]
    dropped_images: int


def prepare_zeroshot_json(
    split: str | Mapping[str, ClassList] | ZeroShotSplit,
    train_json: str | os.PathLike | None = None,
    test_json: str | os.PathLike | None = None,
    out_dir: str | os.PathLike | None = None,
) -> list[PreparedFile]:
    """Write the annotation files of a split.

    ``NAME.json`` to train on becomes ``NAME_seen.json``; ``NAME.json`` to test on becomes
    ``NAME_unseen.json`` and ``NAME_gzsi.json``; for ``coco_48_17`` they end with ``_48_17``. All
    classes must be categories of every source, or a misspelt one would be trained on; nothing is
    written before all is checked. A file appears when all of it is written; the same sources give
    the same files.

    Args:
        split: See `zeroshot_splits.resolve_split`.
        train_json: COCO instances to train on.
        test_json: COCO instances to test on.
        out_dir: Folder to write to; default: that of each source.

    Raises:
        FileNotFoundError: If a source is missing.
        ValueError: If no source is given, a source is no COCO instances json, a class is no
            category of it, or no image is left.
    """
    suffix = split.replace('coco', '') if isinstance(split, str) else ''
    split = resolve_split(split)
    if train_json is None and test_json is None:
        raise ValueError('give annotations to train on, annotations to test on, or both')
    files = []
    for source, tasks in ((train_json, ('seen',)), (test_json, ('unseen', 'gzsi'))):
        if source is None:
            continue
        content = read_coco_json(source, detection=True)
        folder, stem = Path(out_dir or Path(source).parent), Path(source).stem
        try:
            category_ids(content['categories'], split.seen + split.unseen)
            for task in tasks:
                path = folder / f'{stem}_{task}{suffix}.json'
                files.append((path, _select(content, split, task), len(content['images'])))
        except ValueError as error:
            raise ValueError(f'{source}: {error}') from error
    return [_write(*file) for file in files]


def _select(content: dict, split: ZeroShotSplit, task: str) -> dict:
    """The part of a COCO json that a task is about."""
    mode = 'generalized' if task == 'gzsi' else task
    ids = category_ids(content['categories'], split.classes(mode))
    unseen_names = set(map(plain_name, split.unseen))
    unseen = {c['id'] for c in content['categories'] if plain_name(c['name']) in unseen_names}
    shows_unseen = {a['image_id'] for a in content['annotations'] if a['category_id'] in unseen}
    images = [i for i in content['images'] if (i['id'] in shows_unseen) == (task != 'seen')]
    if not images:
        which = 'is without' if task == 'seen' else 'shows'
        raise ValueError(f'no image {which} objects of the unseen classes')
    kept, wanted = {image['id'] for image in images}, set(ids)
    by_id = {category['id']: category for category in content['categories']}
    return {
        **content,
        'images': images,
        'annotations': [
            a
            for a in content['annotations']
            if a['image_id'] in kept and a['category_id'] in wanted
        ],
        'categories': [by_id[category_id] for category_id in ids],
    }


def _write(path: Path, content: dict, num_source_images: int) -> PreparedFile:
    annotations = content['annotations']
    crowds = sum(bool(a.get('iscrowd')) for a in annotations)
    with_objects = {a['image_id'] for a in annotations}
    counts = Counter(a['category_id'] for a in annotations)
    return PreparedFile(
        path=path,
        changed=_replace(path, json.dumps(content)),
        images=len(content['images']),
        without_objects=len(content['images']) - len(with_objects),
        objects=len(annotations) - crowds,
        crowds=crowds,
        categories=len(content['categories']),
        missing=tuple(c['name'] for c in content['categories'] if not counts[c['id']]),
        dropped_images=num_source_images - len(content['images']),
    )


def _replace(path: Path, text: str) -> bool:
    """Give a file this content at one stroke; False if it has it already."""
    if path.is_file() and path.read_text('utf-8') == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return True


def describe(prepared: Iterable[PreparedFile]) -> str:
    """A few lines per file, for people."""
    lines = []
    for file in prepared:
        lines.append(f'{file.path}{"" if file.changed else " (unchanged)"}')
        lines.append(
            f'  {file.images} images ({file.dropped_images} dropped, {file.without_objects} '
            f'without objects), {file.objects} objects and {file.crowds} crowds of '
            f'{file.categories} classes'
        )
        if file.missing:
            lines.append(f'  no object of: {", ".join(file.missing)}')
    return '\n'.join(lines)
