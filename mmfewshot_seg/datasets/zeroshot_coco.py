"""COCO-format data for zero-shot segmentation: labels in the order of the word vectors."""

from collections.abc import Mapping

from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.zeroshot_splits import (
    ZeroShotSplit,
    category_ids,
    plain_name,
    resolve_split,
)
from mmfewshot_seg.datasets.checked_coco import CheckedCOCO, CheckedCocoDataset
from mmfewshot_seg.registry import DATASETS, register


@register(DATASETS, host='mmdet')
class ZeroShotCocoDataset(CheckedCocoDataset):
    """Checked COCO-format data whose classes are those of a zero-shot split.

    Labels are 0..S-1 for S seen classes, 0..U-1 for U unseen ones, or 0..S+U-1, seen first. Objects
    of other categories are left out. ``tools/prepare_zeroshot_coco.py`` makes the annotation files
    of the three tasks from any COCO-format data.

    Args:
        split: Name of a split, or ``dict(seen=..., unseen=...)``; see
            `zeroshot_splits.resolve_split`.
        mode: ``'seen'`` (training), ``'unseen'`` (zero-shot test), or ``'generalized'`` (both).
        metainfo: See ``mmdet.CocoDataset``; its classes are set here.
        check_images: See :class:`CheckedCocoDataset`; not by default, as COCO has 100,000 images.
        **kwargs: Further options of ``mmdet.CocoDataset``.

    Raises:
        ValueError: If split or mode is unknown, the file has a fault, a class is no category of
            it, or images to train on show objects of unseen classes.

    Examples:
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
        check_images: bool = False,
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
        metainfo = {**(metainfo or {}), **classes}
        super().__init__(*args, metainfo=metainfo, check_images=check_images, **kwargs)
        self._metainfo['mode'] = mode  # above, the host would take a string for a file

    def COCOAPI(self, path: str) -> CheckedCOCO:  # noqa: N802
        """Read and check the annotations."""
        coco = super().COCOAPI(path)
        if not self.test_mode:
            self._refuse_unseen(coco)
        return coco

    def _refuse_unseen(self, coco: CheckedCOCO) -> None:
        """Training on images of unseen classes is no zero-shot learning, even unlabelled ones.

        A file with categories that are not seen was not prepared: there every unseen class must
        be found, or a misspelt one would be trained on.

        Raises:
            ValueError: If there are such images, or an unseen class cannot be found.
        """
        seen, unseen = (set(map(plain_name, n)) for n in (self.split.seen, self.split.unseen))
        categories = coco.dataset['categories']
        if {plain_name(category['name']) for category in categories} - seen:
            try:
                category_ids(categories, self.split.unseen)
            except ValueError as error:
                raise ValueError(
                    f'{self.ann_file}: {error}. Without its name nobody can tell which images to '
                    'train on show this unseen class'
                ) from error
        counts = {
            category['name']: len(set(coco.catToImgs[category['id']]))
            for category in categories
            if plain_name(category['name']) in unseen and coco.catToImgs[category['id']]
        }
        if counts:
            found = ', '.join(f'{name} in {count}' for name, count in counts.items())
            raise ValueError(
                f'{self.ann_file}: images to train on show unseen classes ({found}). Make a file '
                'without these images with tools/prepare_zeroshot_coco.py'
            )
