"""Annotations of any format, written as a set that trains: class folders, COCO, label maps."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mmengine.logging import print_log

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage, AnnotationSet, evenly
from mmfewshot_seg.annotations.write_class_folders import ClassFolders
from mmfewshot_seg.annotations.write_coco import CocoFolder
from mmfewshot_seg.annotations.write_label_maps import LabelMaps
from mmfewshot_seg.datasets.sources.image_files import image_shape
from mmfewshot_seg.files.whole_file import whole_folder

Tracked = Callable[[Sequence[AnnotatedImage]], Iterable[AnnotatedImage]]


class Writer(Protocol):
    """What writes the images of one split; made anew for each."""

    def add(self, image: AnnotatedImage, size: tuple[int, int]) -> dict[str, int]:
        """Write an image of (H, W); returns how much of each class that was."""

    def close(self) -> None:
        """Write what belongs to all images."""


TARGETS: dict[str, Callable[..., Writer]] = {
    'class-folder': ClassFolders,
    'coco': CocoFolder,
    'label-maps': LabelMaps,
}
COUNTED = {'class-folder': 'images', 'coco': 'objects', 'label-maps': 'images'}


@dataclass
class Conversion:
    """What was written.

    Attributes:
        class_names: Classes in their order.
        images: Number of images, by split.
        counts: Of each class the number of objects, or of images that show it, by split.
        prompted: Number of images that were left out since they have only lines and points.
    """

    class_names: tuple[str, ...]
    images: Counter = field(default_factory=Counter)
    counts: dict[str, Counter] = field(default_factory=dict)
    prompted: int = 0


def convert_annotations(
    annotations: AnnotationSet,
    out: str | Path,
    to: str,
    class_names: Sequence[str] | None = None,
    val: AnnotationSet | None = None,
    val_share: float = 0,
    link: bool = False,
    tracked: Tracked = lambda images: images,
) -> Conversion:
    """Write annotations as another kind of set; a folder appears when all of it is written.

    Args:
        annotations: What :func:`read_annotations` gave.
        out: Folder to write, which does not exist or is empty.
        to: ``'class-folder'``: ``<class>/<n>.jpg`` and masks, for few-shot trainings and supports;
            lines and points stay what they are. ``'coco'``: ``annotations/instances_train.json``
            and images in ``train``, for detectors; regions of label maps are objects, what is not
            annotated is a crowd of each class of its image. ``'label-maps'``: ``img_dir/train``,
            ``ann_dir/train`` and ``classes.txt``, for semantic networks; where objects overlap, the
            later is on top, of COCO and YOLO the smaller.
        class_names: Classes to write, in this order. None: all.
        val: Annotations of the split ``val``, except for class folders.
        val_share: Share of the images that become ``val``, spread evenly over their order.
        link: Whether images are symbolic links to the originals instead of copies.
        tracked: Shows progress.

    Raises:
        FileExistsError: If ``out`` is filled.
        ValueError: If an argument is out of range, or an annotation does not fit its image.
    """
    out = Path(out)
    check_new(out)
    _check(to, val, val_share)
    parts = [part for part in (annotations, val) if part is not None]
    known = tuple(dict.fromkeys(name for part in parts for name in part.class_names))
    names = known if class_names is None else _checked_names(parts, class_names)
    splits = _splits(annotations, val, val_share)
    done = Conversion(names)
    with whole_folder(out) as folder:
        for split, images in splits.items():
            writer = TARGETS[to](folder, split, names, images, link)
            done.counts[split] = Counter()
            for image in tracked(images):
                if image.is_prompted and to != 'class-folder':
                    done.prompted += 1
                    continue
                counts = writer.add(image, image_shape(image.path))
                done.counts[split] += Counter(counts)
                done.images[split] += bool(counts) or to != 'class-folder'
            writer.close()
        if not any(counts.total() for counts in done.counts.values()):
            raise ValueError(f'{annotations.source} marks nothing of {names} that can be written')
    if done.prompted:
        print_log(
            f'{done.prompted} images have only lines and points and were left out: '
            'class folders keep them',
            'current',
            logging.WARNING,
        )
    return done


def check_new(out: str | Path) -> None:
    """Refuse to write into what is there.

    Raises:
        FileExistsError: If ``out`` is a file, or a folder that is filled.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f'{out} is there and not empty; name a new folder')


def _check(to: str, val: AnnotationSet | None, val_share: float) -> None:
    if to not in TARGETS:
        raise ValueError(f'to is one of {tuple(TARGETS)}, got {to!r}')
    if not 0 <= val_share < 1:
        raise ValueError(f'val_share is a share of the images, from 0 to below 1, got {val_share}')
    if (val is not None or val_share) and to == 'class-folder':
        raise ValueError(
            'class folders have no split of images: they are split by classes, in '
            'splits/{train,val,test}.txt with a class name per line'
        )
    if val is not None and val_share:
        raise ValueError('give val or val_share, not both')


def _checked_names(parts: Sequence[AnnotationSet], class_names: Sequence[str]) -> tuple[str, ...]:
    """The names, if each is a class of a part."""
    every = {name for part in parts for name in part.class_names}
    return tuple(
        dict.fromkeys(
            name if name in every else parts[0].check_names([name])[0] for name in class_names
        )
    )


def _splits(
    annotations: AnnotationSet, val: AnnotationSet | None, val_share: float
) -> dict[str, tuple[AnnotatedImage, ...]]:
    if val is not None:
        return dict(train=annotations.images, val=val.images)
    if not val_share:
        return dict(train=annotations.images)
    number = len(annotations.images)
    if max(1, round(val_share * number)) >= number:
        raise ValueError(
            f'val_share={val_share} of {number} images leaves none to train on: give a smaller '
            'share, more images, or val'
        )
    chosen = set(evenly(range(number), max(1, round(val_share * number))))
    return {
        split: tuple(image for n, image in enumerate(annotations.images) if (n in chosen) == is_val)
        for split, is_val in (('train', False), ('val', True))
    }
