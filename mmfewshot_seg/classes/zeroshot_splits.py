"""Which classes of zero-shot segmentation are seen in training and which are not.

Order matters everywhere: labels, word vectors and the columns of a classifier are in the order of
these lists, seen classes first. Names are compared by `plain_name`, so that ``traffic_light`` of a
word-vector file is ``traffic light`` of COCO.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmfewshot_seg.classes.class_split import ClassList, read_names
from mmfewshot_seg.did_you_mean import did_you_mean

MODES = ('seen', 'unseen', 'generalized')


def plain_name(name: str) -> str:
    """A name without the differences that are none: lower case, words parted by one space.

    Letters with marks are the same whether they are one character or two (NFC and NFD).

    Examples:
        >>> plain_name('Traffic_Light'), plain_name('red-plain-arrow')
        ('traffic light', 'red plain arrow')
    """
    return ' '.join(re.split(r'[\s_-]+', unicodedata.normalize('NFC', name).strip().lower()))


def distinct_names(names: ClassList, key: str) -> tuple[str, ...]:
    """Class names of a list or of a text file.

    Args:
        names: The list or file.
        key: What they are called in messages.

    Raises:
        ValueError: If there is no such file, a name is no text, or a class is named twice.
    """
    names = read_names(names, key)
    if wrong := [name for name in names if not isinstance(name, str) or not name.strip()]:
        raise ValueError(f'{key} classes are names, got {wrong[0]!r}')
    spelled = [plain_name(name) for name in names]
    if twice := sorted({name for name in spelled if spelled.count(name) > 1}):
        raise ValueError(f'{key} classes are named twice: {", ".join(twice)}')
    return names


@dataclass(frozen=True)
class ZeroShotSplit:
    """Seen and unseen classes.

    Attributes:
        seen: Names of the classes to train on.
        unseen: Names of the classes known by their word vectors only; there may be none.

    Raises:
        ValueError: If there is no seen class, or a class is named twice.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]

    def __post_init__(self) -> None:
        for key in ('seen', 'unseen'):
            object.__setattr__(self, key, distinct_names(getattr(self, key), key))
        if not self.seen:
            raise ValueError('a zero-shot split needs at least one seen class')
        unseen = set(map(plain_name, self.unseen))
        if both := [name for name in self.seen if plain_name(name) in unseen]:
            raise ValueError(
                f'seen and unseen classes overlap: {", ".join(both)}; what is trained on is not '
                'unseen, take these names out of one of the lists'
            )

    def classes(self, mode: str) -> tuple[str, ...]:
        """Class names in the order of the labels.

        Args:
            mode: ``'seen'``, ``'unseen'`` or ``'generalized'``: seen, then unseen ones.

        Raises:
            ValueError: If there is no such mode, or no class in it.
        """
        if mode not in MODES:
            raise ValueError(f'mode={mode!r}: the modes are {", ".join(MODES)}')
        if mode != 'seen' and not self.unseen:
            raise ValueError(f'mode={mode!r}: the split has no unseen classes, only "seen" is left')
        return {'seen': self.seen, 'unseen': self.unseen}.get(mode, self.seen + self.unseen)


SPLITS = {
    'coco_48_17': ZeroShotSplit(
        seen=(
            'person', 'bicycle', 'car', 'motorcycle', 'truck', 'boat', 'bench', 'bird', 'horse',
            'sheep', 'zebra', 'giraffe', 'backpack', 'handbag', 'skis', 'kite', 'surfboard',
            'bottle', 'spoon', 'bowl', 'banana', 'apple', 'orange', 'broccoli', 'carrot', 'pizza',
            'donut', 'chair', 'bed', 'tv', 'laptop', 'remote', 'microwave', 'oven', 'refrigerator',
            'book', 'clock', 'vase', 'toothbrush', 'train', 'bear', 'suitcase', 'frisbee', 'fork',
            'sandwich', 'toilet', 'mouse', 'toaster',
        ),
        unseen=(
            'bus', 'dog', 'cow', 'elephant', 'umbrella', 'tie', 'skateboard', 'cup', 'knife',
            'cake', 'couch', 'keyboard', 'sink', 'scissors', 'airplane', 'cat', 'snowboard',
        ),
    ),
    'coco_65_15': ZeroShotSplit(
        seen=(
            'person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck', 'boat', 'traffic light',
            'fire hydrant', 'stop sign', 'bench', 'bird', 'dog', 'horse', 'sheep', 'cow',
            'elephant', 'zebra', 'giraffe', 'backpack', 'umbrella', 'handbag', 'tie', 'skis',
            'sports ball', 'kite', 'baseball bat', 'baseball glove', 'skateboard', 'surfboard',
            'tennis racket', 'bottle', 'wine glass', 'cup', 'knife', 'spoon', 'bowl', 'banana',
            'apple', 'orange', 'broccoli', 'carrot', 'pizza', 'donut', 'cake', 'chair', 'couch',
            'potted plant', 'bed', 'dining table', 'tv', 'laptop', 'remote', 'keyboard',
            'cell phone', 'microwave', 'oven', 'sink', 'refrigerator', 'book', 'clock', 'vase',
            'scissors', 'teddy bear', 'toothbrush',
        ),
        unseen=(
            'airplane', 'train', 'parking meter', 'cat', 'bear', 'suitcase', 'frisbee',
            'snowboard', 'fork', 'sandwich', 'hot dog', 'toilet', 'mouse', 'toaster', 'hair drier',
        ),
    ),
}  # fmt: skip
"""Splits of the benchmarks on COCO, in the order of the published word vectors: 48/17 (Bansal et
al., 2018; 15 classes of COCO are in neither list) and 65/15 (Rahman et al., 2020)."""


def resolve_split(split: 'str | Mapping[str, ClassList] | ZeroShotSplit') -> ZeroShotSplit:
    """The split that a config names.

    Args:
        split: Key of `SPLITS`, or ``dict(seen=..., unseen=...)`` with lists of names or paths of
            text files with one name per line; ``unseen`` may be left out.

    Raises:
        ValueError: If the split is unknown or malformed, or a class is named twice.

    Examples:
        >>> len(resolve_split('coco_65_15').unseen)
        15
        >>> resolve_split(dict(seen=['cat', 'dog'], unseen=['fox'])).classes('generalized')
        ('cat', 'dog', 'fox')
    """
    if isinstance(split, ZeroShotSplit):
        return split
    if isinstance(split, Mapping):
        if not {'seen'} <= split.keys() <= {'seen', 'unseen'}:
            raise ValueError(f'split takes the keys seen and unseen, got {sorted(split)}')
        return ZeroShotSplit(
            read_names(split['seen'], 'seen'), read_names(split.get('unseen', ()), 'unseen')
        )
    if split not in SPLITS:
        raise ValueError(
            f'split={split!r}: the splits are {", ".join(SPLITS)}; for other classes give '
            'dict(seen=..., unseen=...) with lists of names or text files with one name per line'
        )
    return SPLITS[split]


def category_ids(categories: Sequence[Mapping], names: Sequence[str]) -> list:
    """Ids of COCO categories in the order of ``names``, whatever the order of the file.

    Args:
        categories: Entries with ``id`` and ``name``.
        names: Class names, compared by `plain_name`.

    Raises:
        ValueError: If a name is no category, or several.
    """
    ids: dict[str, list] = {}
    for category in categories:
        ids.setdefault(plain_name(category['name']), []).append(category['id'])
    unknown = [f'{n!r}{did_you_mean(n, ids)}' for n in names if plain_name(n) not in ids]
    if unknown:
        raise ValueError(f'no category of this name: {", ".join(unknown)}')
    found = [ids[plain_name(name)] for name in names]
    if several := [f'{n!r} ({ids})' for n, ids in zip(names, found, strict=True) if len(ids) > 1]:
        raise ValueError(f'several categories have one name: {", ".join(several)}')
    return [one for one, *_ in found]


def label_difference(model: Sequence[str], data: Sequence[str]) -> str | None:
    """How the labels of a model and of a data set differ, in words; None if they mean the same.

    Args:
        model: Class names in the order of the model's labels.
        data: Those of the data set; names are compared by `plain_name`.

    Examples:
        >>> label_difference(['hot_dog', 'cat'], ['hot dog', 'cat'])
        >>> label_difference(['cat', 'dog'], ['cat', 'fox', 'dog'])
        "the model has 2 classes, the data set 3; label 1 is 'dog' here and 'fox' there"
    """
    if tuple(model) == tuple(data):
        return None
    pairs = enumerate(zip(model, data, strict=False))
    label = next((i for i, names in pairs if len(set(map(plain_name, names))) > 1), None)
    if label is None and len(model) == len(data):
        return None
    counts = f'the model has {len(model)} classes, the data set {len(data)}'
    if label is None:
        return counts
    return f'{counts}; label {label} is {model[label]!r} here and {data[label]!r} there'
