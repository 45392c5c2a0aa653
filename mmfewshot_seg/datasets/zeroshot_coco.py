"""COCO-format data for zero-shot segmentation: labels in the order of the word vectors."""

from collections.abc import Mapping, Sequence

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO

from mmfewshot_seg.datasets.class_split import ClassList
from mmfewshot_seg.datasets.zeroshot_splits import (
    ZeroShotSplit,
    category_ids,
    resolve_split,
    spelling,
)
from mmfewshot_seg.registry import DATASETS, register


class _OrderedCOCO(COCO):
    """Categories are found name by name; pycocotools gives them in the order of the file."""

    def get_cat_ids(self, cat_names: Sequence[str] = (), **kwargs) -> list[int]:
        return category_ids(self.dataset['categories'], cat_names)


@register(DATASETS, host='mmdet')
class ZeroShotCocoDataset(CocoDataset):
    """``mmdet.CocoDataset`` whose labels follow the class list, not the order of the file.

    Labels are 0..S-1 for S seen classes, 0..U-1 for U unseen ones, or 0..S+U-1, seen first. Objects
    of other categories are left out. ``tools/prepare_zeroshot_coco.py`` makes the annotation files
    of the three tasks from any COCO-format data.

    Args:
        split: Name of a split, or ``dict(seen=..., unseen=...)``; see
            `zeroshot_splits.resolve_split`.
        mode: ``'seen'`` (training), ``'unseen'`` (zero-shot test), or ``'generalized'`` (both).
        metainfo: As of ``mmdet.CocoDataset``; its classes are set here.
        **kwargs: Further options of ``mmdet.CocoDataset``.

    Raises:
        ValueError: If split or mode is unknown, a class is no category of the file, or images to
            train on show objects of unseen classes.

    Example:
        >>> train_dataset = dict(
        ...     type='mmfewshot_seg.ZeroShotCocoDataset',
        ...     split='coco_48_17',
        ...     mode='seen',
        ...     data_root='data/coco/',
        ...     ann_file='annotations/instances_train2014_seen_48_17.json',
        ...     data_prefix=dict(img='train2014/'),
        ... )
    """

    METAINFO = dict(palette='random')

    def __init__(
        self,
        *args,
        split: str | Mapping[str, ClassList] | ZeroShotSplit,
        mode: str,
        metainfo: Mapping | None = None,
        **kwargs,
    ) -> None:
        if metainfo and 'classes' in metainfo:
            raise ValueError(
                'the classes of a zero-shot data set follow from split and mode: leave them out of '
                'metainfo'
            )
        self.split = resolve_split(split)
        classes = dict(
            classes=self.split.classes(mode),
            seen_classes=self.split.seen,
            unseen_classes=self.split.unseen,
        )
        if mode != 'seen' and not kwargs.get('test_mode'):
            raise ValueError(
                f'mode={mode!r} is for tests and needs test_mode=True; to train on is mode="seen"'
            )
        super().__init__(*args, metainfo={**(metainfo or {}), **classes}, **kwargs)
        self._metainfo['mode'] = mode  # above, the host would take a string for a file

    def COCOAPI(self, path: str) -> COCO:
        """Read the annotations; the host calls what it expects to be a class."""
        coco = _OrderedCOCO(path)
        if not self.test_mode:
            self._refuse_unseen(coco)
        return coco

    def _refuse_unseen(self, coco: COCO) -> None:
        """Training on images of unseen classes is no zero-shot learning, even unlabelled ones.

        Raises:
            ValueError: If there are such images.
        """
        unseen = set(map(spelling, self.split.unseen))
        counts = {
            category['name']: len(set(coco.catToImgs[category['id']]))
            for category in coco.dataset['categories']
            if spelling(category['name']) in unseen and coco.catToImgs[category['id']]
        }
        if counts:
            found = ', '.join(f'{name} in {count}' for name, count in counts.items())
            raise ValueError(
                f'{self.ann_file}: images to train on show unseen classes ({found}). Make a file '
                'without these images with tools/prepare_zeroshot_coco.py'
            )
