"""PASCAL-5i made ready: labels of VOC2012 and SBD in one folder, and the list of trainaug.

Images to train on are VOC train and all of SBD without VOC val; an image that has a label of VOC
keeps it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.utils import track_iter_progress
from PIL import Image

from mmfewshot_seg.classes.folds import VOC_CLASSES
from mmfewshot_seg.datasets.prepare.data_tree import DataTree
from mmfewshot_seg.datasets.sources import sbd
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError, image_shape
from mmfewshot_seg.datasets.sources.masks import read_label_map
from mmfewshot_seg.datasets.sources.pascal_5i import read_list
from mmfewshot_seg.files.whole_file import whole_file, write_whole
from mmfewshot_seg.structures.labels import IGNORED

# Names in the lists of the archives, and in the two that follow from them.
OFFICIAL_COUNTS = {
    'VOC train': 1464,
    'VOC val': 1449,
    'SBD train': 8498,
    'SBD val': 2857,
    'trainaug': 10582,
}
_ARCHIVES = (
    'VOC2012 is in VOCtrainval_11-May-2012.tar (host.robots.ox.ac.uk/pascal/VOC/voc2012), SBD in '
    'benchmark.tgz (its folder benchmark_RELEASE/dataset)'
)


@dataclass(frozen=True)
class PreparedPascal:
    """What is there now.

    Attributes:
        labels: Folder of the labels.
        list_file: List of trainaug.
        counts: Number of names by list, as in ``OFFICIAL_COUNTS``.
        written: Labels that were written, the others were there.
        list_written: Whether the list was.
    """

    labels: Path
    list_file: Path
    counts: Mapping[str, int]
    written: int
    list_written: bool


def prepare_pascal_5i(
    voc_root: str | os.PathLike,
    sbd_root: str | os.PathLike,
    counts: Mapping[str, int] | None = OFFICIAL_COUNTS,
) -> PreparedPascal:
    """Write ``SegmentationClassAug/<name>.png`` and ``ImageSets/Segmentation/trainaug.txt``.

    Labels of VOC val are there as well. A file appears when all of it is written, the list last of
    all. What is there stays, but labels that cannot be read are made anew.

    Args:
        voc_root: The folder VOC2012.
        sbd_root: The folder ``dataset`` of SBD.
        counts: Number of names expected by list; None: any.

    Raises:
        FileNotFoundError: If files are missing; shows the tree.
        ValueError: If a list has another number of names, a label has foreign values or not the
            size of its image, or there is a list of trainaug with other names.
    """
    voc, dataset = Path(voc_root), Path(sbd_root)
    tree = DataTree(_ARCHIVES)
    names = {}
    for key, path in _lists(voc, dataset).items():
        names[key] = set(read_list(str(path))) if tree.add_file(path) else set()
    own = names['VOC train'] | names['VOC val']
    trainaug = (own | names['SBD train'] | names['SBD val']) - names['VOC val']
    needed = trainaug | own
    tree.add_files(voc / 'JPEGImages', '.jpg', needed)
    tree.add_files(voc / 'SegmentationClass', '.png', own)
    tree.add_files(dataset / 'cls', '.mat', needed - own)
    tree.check()
    found = {key: len(value) for key, value in (names | {'trainaug': trainaug}).items()}
    _check_counts(found, counts)
    list_file = voc / 'ImageSets/Segmentation/trainaug.txt'
    list_is_there = list_file.is_file()
    if list_is_there and set(read_list(str(list_file))) != trainaug:
        raise ValueError(
            f'{list_file} lists other images than VOC train and SBD without VOC val: move it '
            'away to have it made'
        )
    written = 0
    for name in track_iter_progress(sorted(needed)):
        written += _write_label(voc, dataset, name, name in own)
    if not list_is_there:
        text = '\n'.join([*sorted(trainaug), ''])
        write_whole(list_file, text)
    return PreparedPascal(
        voc / 'SegmentationClassAug', list_file, found, written, not list_is_there
    )


def _lists(voc: Path, dataset: Path) -> dict[str, Path]:
    return {
        'VOC train': voc / 'ImageSets/Segmentation/train.txt',
        'VOC val': voc / 'ImageSets/Segmentation/val.txt',
        'SBD train': dataset / 'train.txt',
        'SBD val': dataset / 'val.txt',
    }


def _check_counts(found: Mapping[str, int], expected: Mapping[str, int] | None) -> None:
    wrong = [
        f'{key} has {found[key]} images instead of {count}'
        for key, count in (expected or {}).items()
        if found[key] != count
    ]
    if wrong:
        raise ValueError(
            f'{"; ".join(wrong)}: these are not the lists of the archives. {_ARCHIVES}'
        )


def _write_label(voc: Path, dataset: Path, name: str, is_own: bool) -> bool:
    """Write the label of an image; False if it was there."""
    target = voc / 'SegmentationClassAug' / f'{name}.png'
    shape = image_shape(str(voc / 'JPEGImages' / f'{name}.jpg'))
    if target.is_file():
        try:
            _check_label(target, read_label_map(str(target)), shape)
            return False
        except UnreadableImageError:  # half of a file, left by another program
            pass
    if is_own:
        source = voc / 'SegmentationClass' / f'{name}.png'
        labels = read_label_map(str(source))
    else:
        source = dataset / 'cls' / f'{name}.mat'
        labels = sbd.read_labels(str(source))
    _check_label(source, labels, shape)
    target.parent.mkdir(exist_ok=True)
    if is_own:
        write_whole(target, source.read_bytes())  # with its colours
    else:
        with whole_file(target) as file:
            Image.fromarray(labels).save(file, 'png')
    return True


def _check_label(path: Path, labels: np.ndarray, shape: tuple[int, int]) -> None:
    if labels.shape != shape:
        raise ValueError(
            f'{path} is {labels.shape[1]}x{labels.shape[0]} pixels, its image {shape[1]}x{shape[0]}'
        )
    foreign = np.unique(labels[(labels > len(VOC_CLASSES)) & (labels != IGNORED)]).tolist()
    if foreign:
        raise ValueError(
            f'{path} has labels {foreign}, expected 0 (background) to {len(VOC_CLASSES)} and '
            f'{IGNORED} (void)'
        )
