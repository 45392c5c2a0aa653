"""COCO metric of zero-shot detection and segmentation: seen, unseen and harmonic mean.

Shape letters: T IoU thresholds, K classes.
"""

import os.path as osp
import tempfile
from collections.abc import Sequence

import numpy as np
from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation import CocoMetric
from mmengine.fileio import load
from mmengine.logging import print_log
from prettytable import PrettyTable
from pycocotools.cocoeval import COCOeval

from mmfewshot_seg.classes.zeroshot_splits import label_difference
from mmfewshot_seg.datasets.checked_coco import load_results
from mmfewshot_seg.evaluation.boundary_coco_metric import load_masks
from mmfewshot_seg.evaluation.coco_labels import CheckedAnnotations, check_labels
from mmfewshot_seg.registry import METRICS, register

IOU_THRESHOLDS = (0.4, 0.5, 0.6)
MAIN = IOU_THRESHOLDS.index(0.5)  # of mAP, and of all figures of the generalised task
MAX_DETECTIONS = 100  # per image and class
HOST_OPTIONS = {'backend_args', 'collect_device', 'format_only', 'outfile_prefix', 'prefix'}


def class_figures(
    coco_gt: COCO, coco_dt: COCO, iou_type: str, cat_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision (101 recall points) and final recall of every class.

    Args:
        coco_gt: Annotations.
        coco_dt: Detections, from ``coco_gt.loadRes``.
        iou_type: ``'bbox'`` or ``'segm'``.
        cat_ids: Category ids of the K classes, in any order.

    Returns:
        Two arrays (T, K) in [0, 1], rows as `IOU_THRESHOLDS`, columns as ``cat_ids``; NaN for
        classes without an object.
    """
    coco_eval = COCOeval(coco_gt, coco_dt, iou_type)
    coco_eval.params.catIds = list(cat_ids)
    coco_eval.params.iouThrs = np.array(IOU_THRESHOLDS)
    coco_eval.params.maxDets = [MAX_DETECTIONS]
    coco_eval.params.areaRng, coco_eval.params.areaRngLbl = [[0, 1e10]], ['all']
    coco_eval.evaluate()
    coco_eval.accumulate()
    # evaluate() has sorted the categories
    columns = [coco_eval.params.catIds.index(cat_id) for cat_id in cat_ids]
    precision = coco_eval.eval['precision'][:, :, columns, 0, 0].mean(axis=1)
    recall = coco_eval.eval['recall'][:, columns, 0, 0]
    precision, recall = (np.where(values > -1, values, np.nan) for values in (precision, recall))
    return precision, recall


def harmonic_mean(a: float, b: float) -> float:
    """2ab / (a + b); 0 if both are 0.

    Examples:
        >>> harmonic_mean(0.75, 0.25)
        0.375
    """
    return 2 * a * b / (a + b) if a + b else 0.0


@register(METRICS, host='mmdet')
class ZeroShotCocoMetric(CheckedAnnotations, CocoMetric):
    """Figures of the zero-shot tasks on COCO-format data.

    Classes and their order are those of the data set, a
    :class:`~mmfewshot_seg.datasets.ZeroShotCocoDataset`. Figures are fractions, not rounded; those
    of boxes begin with ``bbox_``, those of masks with ``segm_``:

    ==================================  ==========================================================
    ``mAP_40``, ``mAP``, ``mAP_60``     mean over classes of AP at IoU 0.4, **0.5**, 0.6
    ``recall_40``, ``_50``, ``_60``     Recall@100: mean over classes of the share of objects
                                        found by at most 100 detections per image and class
    ``seen_mAP``, ``unseen_mAP``        generalised only: mAP over the seen and over the unseen
                                        classes, and ``hm_mAP``, their harmonic mean
    ``seen_recall``, ``unseen_recall``  the same of Recall@100 at IoU 0.5, and ``hm_recall``
    ==================================  ==========================================================

    Classes without an object in the annotations do not count; a mean over none is NaN.

    Args:
        ann_file: COCO-format annotations, which are checked; without it, those that the data set
            packs are used.
        metric: One or both of ``bbox`` and ``segm``.
        classwise: Whether to print a table of classes, and to give AP and recall of each as
            ``segm_AP/<class>`` and ``segm_recall/<class>``.
        **kwargs: ``outfile_prefix``, ``format_only``, ``backend_args``, ``collect_device``,
            ``prefix`` of ``mmdet.CocoMetric``.

    Raises:
        ValueError: If the metric or an option is another.

    Source: the evaluation of Zheng et al., Zero-Shot Instance Segmentation, CVPR 2021, which is
    that of Rahman et al., 2020, and of Bansal et al., 2018.

    Examples:
        >>> test_evaluator = dict(
        ...     type='mmfewshot_seg.ZeroShotCocoMetric',
        ...     ann_file='data/coco/annotations/instances_val2014_gzsi_48_17.json',
        ... )
    """

    default_prefix = 'zsi'
    always_by_name = True

    def __init__(
        self,
        ann_file: str | None = None,
        metric: str | Sequence[str] = ('bbox', 'segm'),
        classwise: bool = False,
        **kwargs,
    ) -> None:
        self.iou_types = [metric] if isinstance(metric, str) else list(metric)
        if wrong := [name for name in self.iou_types if name not in ('bbox', 'segm')]:
            raise ValueError(f'metric is {wrong[0]!r}, but must be bbox, segm or both')
        if fixed := sorted(kwargs.keys() - HOST_OPTIONS):
            raise ValueError(
                f'{", ".join(fixed)} cannot be set: the protocol fixes how it is measured, further '
                f'options are {", ".join(sorted(HOST_OPTIONS))}'
            )
        super().__init__(metric=[], classwise=classwise, **kwargs)
        self.open_annotations(ann_file, masks='segm' in self.iou_types)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Collect predictions, see ``mmdet.CocoMetric``.

        Args:
            data_batch: Not used.
            data_samples: Dicts; ``zeroshot_classes``, where a model sets it, are the names of
                the classes that it tells apart, in the order of its labels.

        Raises:
            ValueError: If they are not those of the data set.
        """
        for sample in data_samples:
            self._check_classes(sample)
        super().process(data_batch, data_samples)

    def _check_classes(self, sample: dict) -> None:
        wanted = tuple(self.dataset_meta['classes'])
        if differ := label_difference(sample.get('zeroshot_classes', wanted), wanted):
            mode = self.dataset_meta.get('mode')
            raise ValueError(
                f'{differ}. Set model.test_cfg.rcnn.mode to that of the data set, {mode!r}, and '
                'give both the same class lists in the same order'
            )
        check_labels(sample, wanted)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """All figures.

        Args:
            results: What ``process`` collected.

        Raises:
            ValueError: If masks have to be compared and the model predicts none, or a class is
                no category of the annotations.
        """
        if 'segm' in self.iou_types and 'masks' not in results[0][1]:
            raise ValueError(
                'segm needs masks, but the predictions have none: use a model with a mask head, or '
                "metric='bbox'"
            )
        if self._label_categories is not None:
            self.cat_ids = self._label_categories  # by name, not in the order of the file
        figures: dict[str, float] = {}
        given_prefix = self.outfile_prefix
        with tempfile.TemporaryDirectory() as folder:
            self.outfile_prefix = given_prefix or osp.join(folder, 'results')
            try:
                super().compute_metrics(results)  # writes the files
                for iou_type in () if self.format_only else self.iou_types:
                    detections = load(f'{self.outfile_prefix}.{iou_type}.json')
                    figures.update(self._figures(iou_type, detections))
            finally:
                self.outfile_prefix = given_prefix
        return figures

    def _figures(self, iou_type: str, detections: list[dict]) -> dict[str, float]:
        print_log(f'Evaluating {iou_type}...', logger='current')
        opened = load_masks if iou_type == 'segm' else load_results
        coco_dt = opened(self._coco_api, detections)
        ap, recall = class_figures(self._coco_api, coco_dt, iou_type, self.cat_ids)
        figures = {}
        for threshold, ap_row, recall_row in zip(IOU_THRESHOLDS, ap, recall, strict=True):
            suffix = f'_{threshold * 100:.0f}'
            figures[f'mAP{suffix}' if threshold != 0.5 else 'mAP'] = _mean(ap_row)
            figures[f'recall{suffix}'] = _mean(recall_row)
        figures.update(self._generalized(ap[MAIN], recall[MAIN]))
        self._print(iou_type, ap, recall, figures)
        if self.classwise:
            for name, values in (('AP', ap[MAIN]), ('recall', recall[MAIN])):
                named = zip(self.dataset_meta['classes'], values, strict=True)
                figures.update({f'{name}/{cls}': float(value) for cls, value in named})
        return {f'{iou_type}_{name}': value for name, value in figures.items()}

    def _groups(self) -> np.ndarray:
        """``'seen'`` or ``'unseen'`` of every class, (K,)."""
        unseen = self.dataset_meta.get('unseen_classes', ())
        return np.array(
            ['unseen' if name in unseen else 'seen' for name in self.dataset_meta['classes']]
        )

    def _generalized(self, ap: np.ndarray, recall: np.ndarray) -> dict[str, float]:
        groups = self._groups()
        if len(set(groups)) == 1:
            return {}
        figures = {}
        for name, values in (('mAP', ap), ('recall', recall)):
            means = [_mean(values[groups == group]) for group in ('seen', 'unseen')]
            figures[f'seen_{name}'], figures[f'unseen_{name}'] = means
            figures[f'hm_{name}'] = harmonic_mean(*means)
        return figures

    def _print(
        self, iou_type: str, ap: np.ndarray, recall: np.ndarray, figures: dict[str, float]
    ) -> None:
        """Log a table of the means in per cent and, if asked for, of the classes."""
        header = [f'{n} {t}' for n in ('AP', 'Recall@100') for t in IOU_THRESHOLDS]
        groups = self._groups()
        table = PrettyTable(['class', 'group', *header], align='l')
        values = 100 * np.concatenate([ap, recall])  # (2T, K)
        if self.classwise:
            for name, group, column in zip(
                self.dataset_meta['classes'], groups, values.T, strict=True
            ):
                table.add_row([name, group, *(f'{value:.2f}' for value in column)])
        for group in dict.fromkeys(groups):
            means = [_mean(row[groups == group]) for row in values]
            table.add_row(['mean', group, *(f'{value:.2f}' for value in means)])
        print_log(f'{iou_type}\n{table}', logger='current')
        if 'hm_mAP' in figures:
            print_log(
                f'{iou_type} harmonic mean of seen and unseen at IoU 0.5: AP '
                f'{100 * figures["hm_mAP"]:.2f}, Recall@100 {100 * figures["hm_recall"]:.2f}',
                logger='current',
            )


def _mean(values: np.ndarray) -> float:
    """Mean of those that are numbers; NaN if none is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float('nan')
