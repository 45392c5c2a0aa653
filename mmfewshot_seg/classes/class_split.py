"""Which classes are novel and which are trained on."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmfewshot_seg.classes.folds import COCO_20I, FoldTables, resolve_classes

ClassList = Sequence[str] | str | os.PathLike
"""Class names, or the path of a text file with one name per line."""


def novel_classes(
    fold: int | ClassList,
    class_names: Sequence[str],
    folds: FoldTables | None = None,
    style: str = 'contiguous',
) -> tuple[str, ...]:
    """Names of the novel classes of a fold.

    Args:
        fold: Number in the fold table, or a list of class names.
        class_names: All classes of the source.
        folds: Fold tables of the source by style, or None if it has none.
        style: Table to use when there are several.

    Raises:
        ValueError: If the fold does not exist or is empty, or a name is not a class.

    Examples:
        >>> from mmfewshot_seg.classes.folds import COCO_20I, COCO_CLASSES
        >>> novel_classes(1, COCO_CLASSES, COCO_20I, 'interleaved')[:3]
        ('bicycle', 'bus', 'traffic light')
    """
    if not isinstance(fold, int):
        return listed_classes(fold, class_names, 'fold')
    if not folds:
        raise ValueError(
            f'fold={fold}: this data set has no fold table; give fold as a list of the names of '
            'novel classes, or as the path of a text file with one name per line'
        )
    if len(folds) > 1 and style not in folds:
        raise ValueError(f'fold_style={style!r}: the fold tables are {", ".join(folds)}')
    table = folds[style] if len(folds) > 1 else next(iter(folds.values()))
    if not 0 <= fold < len(table):
        raise ValueError(f'fold={fold}: the folds are 0 to {len(table) - 1}')
    if not table[fold]:
        raise ValueError(f'fold={fold} is empty: none of its classes is in the data set')
    return tuple(table[fold])


def check_style(style: str, folds: FoldTables | None) -> None:
    """Refuse a misspelt fold style even where the data set has no choice of tables.

    Raises:
        ValueError: If neither COCO-20i nor the source has folds of this style.
    """
    styles = {**COCO_20I, **(folds or {})}
    if style not in styles:
        raise ValueError(f'fold_style={style!r}: the styles are {", ".join(styles)}')


def base_classes(
    names: ClassList | None,
    class_names: Sequence[str],
    novel: Sequence[str],
    allow_novel: bool = False,
) -> tuple[str, ...]:
    """Names of the classes to train on; all that are not novel by default.

    Raises:
        ValueError: If a name is not a class, or is novel against ``allow_novel``.
    """
    if names is None:
        return tuple(name for name in class_names if name not in novel)
    names = listed_classes(names, class_names, 'base_classes')
    common = [name for name in names if name in novel]
    if common and not allow_novel:
        raise ValueError(
            f'base_classes holds novel classes of the fold: {", ".join(common)}. Remove them, or '
            'set allow_novel_in_training=True if the model may train on them'
        )
    return names


def read_names(names: ClassList, key: str) -> tuple[str, ...]:
    """Class names of a list or a text file; ``key`` is for messages.

    Raises:
        ValueError: If there is no such file, or it is no UTF-8 text.
    """
    if isinstance(names, str | os.PathLike):
        if not os.path.isfile(names):
            raise ValueError(
                f'{key}={os.fspath(names)!r} is no file; give class names as a list or as the path '
                'of a text file with one name per line'
            )
        try:  # editors of Windows put a mark in front
            text = Path(names).read_text('utf-8-sig')
        except UnicodeDecodeError as error:
            raise ValueError(f'{key}: {os.fspath(names)} is no UTF-8 text ({error})') from error
        names = [line.strip() for line in text.splitlines() if line.strip()]
    return tuple(names)


def listed_classes(names: ClassList, class_names: Sequence[str], key: str) -> tuple[str, ...]:
    """Class names of a list or file, all among ``class_names``; ``key`` is for messages."""
    names = read_names(names, key)
    if not names:
        raise ValueError(f'{key} is empty: name at least one class')
    resolve_classes(names, class_names)
    return names
