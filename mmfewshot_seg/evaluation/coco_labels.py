"""Which category of an annotation file each label of a model is."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.fileio import get_local_path

from mmfewshot_seg.datasets.checked_coco import CheckedCOCO


class CheckedAnnotations:
    """What ``mmdet.CocoMetric`` lacks: annotations without faults, of the classes of the data set.

    To be put before it. Both are checked before the first image: the file when the metric is
    built, the classes when it is told the data set.

    Attributes:
        always_by_name: Whether labels are those of the classes whatever the data set.
    """

    always_by_name = False
    backend_args: dict | None
    outfile_prefix: str | None
    _label_categories: list[int] | None = None

    def open_annotations(self, ann_file: str | None, masks: bool) -> None:
        """Read and check a file; None: the metric takes what the data set packs.

        Raises:
            ValueError: If the file has a fault.
        """
        if ann_file is not None:
            with get_local_path(ann_file, backend_args=self.backend_args) as path:
                self._coco_api = CheckedCOCO(path, masks, file_names=False)

    @property
    def dataset_meta(self) -> Any:
        """``metainfo`` of the data set, a dict; None before it is told.

        Raises:
            ValueError: When it is set, if its classes are not those of the annotations.
        """
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: dict | None) -> None:
        self._dataset_meta = meta
        if isinstance(self._coco_api, CheckedCOCO) and meta and 'classes' in meta:
            by_name = self.always_by_name or meta.get('labels_by_name', False)
            self._label_categories = label_categories(self._coco_api, meta['classes'], by_name)


def label_categories(coco: CheckedCOCO, classes: Sequence[str], by_name: bool) -> list[int]:
    """Category ids in the order of the labels.

    Args:
        coco: Annotations to compare with.
        classes: Names of the data set.
        by_name: Whether the labels are in the order of the names; else they are, as in every data
            set of MMDetection, in the order of the file.

    Raises:
        ValueError: If a class is no category of the file, or the order of the file is another than
            that of ``classes``, so that a label has two meanings.
    """
    classes = tuple(classes)
    if by_name:
        return coco.get_cat_ids(classes)
    categories = [c for c in coco.dataset['categories'] if c['name'] in classes]
    names = tuple(category['name'] for category in categories)
    if names != classes:
        coco.get_cat_ids(classes)  # tells which name is none
        raise ValueError(
            f'{coco.path} has its categories in the order {_some(names)}, the classes of the data '
            f'set are {_some(classes)}: labels of MMDetection follow the order of the file. List '
            'both alike, or take data sets of type mmfewshot_seg.CheckedCocoDataset, in training '
            'too: their labels go by name'
        )
    return [category['id'] for category in categories]


def check_labels(sample: Mapping, classes: Sequence[str]) -> None:
    """Refuse predictions of classes that the data set has not.

    Args:
        sample: Data sample as a dict.
        classes: Names of the data set.

    Raises:
        ValueError: If a label is none of theirs.
    """
    labels = sample['pred_instances']['labels']
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise ValueError(
            f'the model predicts labels {labels.min()} to {labels.max()}, but the data set has '
            f'{len(classes)} classes'
        )


def _some(names: Sequence[str]) -> str:
    return ', '.join(names[:8]) + (', ...' if len(names) > 8 else '')
