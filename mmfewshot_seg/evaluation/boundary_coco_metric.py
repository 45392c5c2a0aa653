"""MMDetection's COCO metric and, from the same run, how good the outlines of the masks are."""

import logging
import os.path as osp
import tempfile
from collections.abc import Sequence

import numpy as np
from mmdet.datasets.api_wrappers import COCO
from mmdet.evaluation import CocoMetric
from mmengine.fileio import get_local_path, load
from mmengine.logging import print_log
from prettytable import PrettyTable
from pycocotools.cocoeval import COCOeval

from mmfewshot_seg.datasets.checked_coco import load_results
from mmfewshot_seg.datasets.sources.coco_json import read_json
from mmfewshot_seg.evaluation.boundary_ap import BoundaryCOCOeval
from mmfewshot_seg.evaluation.boundary_f1 import mean_boundary_f1
from mmfewshot_seg.evaluation.coco_labels import CheckedAnnotations, check_labels
from mmfewshot_seg.evaluation.lvis_rules import (
    LVISRulesCOCOeval,
    best_per_image,
    check_lvis_annotations,
)
from mmfewshot_seg.registry import METRICS, register

HOST_METRICS = ('bbox', 'segm', 'proposal', 'proposal_fast')
OWN_METRICS = ('boundary', 'boundary_f1')
# name of a figure: (IoU threshold or None for all, area range of COCOeval)
ITEMS = {
    'mAP': (None, 0),
    'mAP_50': (0.5, 0),
    'mAP_75': (0.75, 0),
    'mAP_s': (None, 1),
    'mAP_m': (None, 2),
    'mAP_l': (None, 3),
}
AR_ITEMS = ('AR@100', 'AR@300', 'AR@1000', 'AR_s@1000', 'AR_m@1000', 'AR_l@1000')
STATS = (*ITEMS, *AR_ITEMS)  # order of COCOeval.stats, CocoMetric's names
F1_RADII = (1, 3, 5)


def mean_precision(coco_eval: COCOeval, item: str, class_index: int | None = None) -> float:
    """A figure of an accumulated evaluation, with the most detections allowed.

    Args:
        coco_eval: After ``accumulate()``.
        item: Key of ``ITEMS``.
        class_index: Index into ``params.catIds``; default: mean over all.

    Returns:
        In [0, 1]; NaN if there is no object or no such threshold.
    """
    threshold, area = ITEMS[item]
    precision = coco_eval.eval['precision'][..., area, -1]  # (thresholds, recalls, classes)
    if threshold is not None:
        precision = precision[np.isclose(coco_eval.params.iouThrs, threshold)]
    if class_index is not None:
        precision = precision[..., class_index]
    precision = precision[precision > -1]
    return float(precision.mean()) if precision.size else float('nan')


def load_masks(coco_gt: COCO, detections: list[dict]) -> COCO:
    """Detections without their boxes, from which COCO would take the areas.

    Args:
        coco_gt: Annotations.
        detections: Entries of a COCO file of results; they are not changed.
    """
    masks = [{k: v for k, v in d.items() if k not in ('bbox', 'area')} for d in detections]
    return load_results(coco_gt, masks)


def _open_lvis(path: str) -> COCO:
    """Index of an LVIS file, whose images have no file names."""
    coco = COCO()
    coco.dataset = read_json(path)
    coco.createIndex()
    return coco


@register(METRICS, host='mmdet')
class BoundaryCocoMetric(CheckedAnnotations, CocoMetric):
    """Box AP, mask AP, Boundary AP and boundary F1 of COCO-format data in one run.

    Takes every option of ``mmdet.CocoMetric``. ``boundary`` logs ``boundary_mAP``,
    ``boundary_mAP_50`` and so on like ``segm``, with a table of classes if ``classwise``;
    ``boundary_f1`` logs ``boundary_f1_r1``, ``_r3`` and ``_r5``, the mean F1 of outlines with
    tolerances of 1, 3 and 5 pixels over the objects that were found with a mask IoU of 0.5.
    With ``lvis_ann_file`` masks are also scored under the rules of LVIS: ``segm_lvis_mAP``,
    known as AP*. Without detections APs are 0 and F1 is NaN; without objects AP is -1.

    Args:
        ann_file: See ``mmdet.CocoMetric``; the file is checked, and its categories must be those
            of the data set.
        metric: One or several of ``bbox``, ``segm``, ``boundary``, ``boundary_f1``,
            ``proposal``, ``proposal_fast``.
        dilation_ratio: Width of the boundaries as a share of the image diagonal: 0.02 for COCO
            and LVIS, 0.005 for Cityscapes.
        num_processes: Processes to compare boundaries in; the figures do not depend on it.
        lvis_ann_file: Annotations of the same images and categories (by their ids) with LVIS'
            lists of absent and incomplete categories, e.g. ``lvis_v0.5_val_cocofied.json``.
        **kwargs: Further options of ``mmdet.CocoMetric``.

    Raises:
        ValueError: If an option is out of range, or the annotations have a fault.

    Examples:
        >>> val_evaluator = dict(
        ...     type='mmfewshot_seg.BoundaryCocoMetric',
        ...     ann_file='data/coco/annotations/instances_val2017.json',
        ...     metric=['bbox', 'segm', 'boundary'],
        ... )
    """

    def __init__(
        self,
        ann_file: str | None = None,
        metric: str | Sequence[str] = ('bbox', 'segm', 'boundary'),
        dilation_ratio: float = 0.02,
        num_processes: int = 4,
        lvis_ann_file: str | None = None,
        **kwargs,
    ) -> None:
        names = [metric] if isinstance(metric, str) else list(metric)
        for name in names:
            if name not in HOST_METRICS + OWN_METRICS:
                raise ValueError(
                    f'metric is {name!r}, but must be of {", ".join(HOST_METRICS + OWN_METRICS)}'
                )
        if not 0 < dilation_ratio < 1:
            raise ValueError(
                f'dilation_ratio is {dilation_ratio}, but must be above 0 and below 1: the width '
                'of the boundary as a share of the image diagonal, 0.02 for COCO'
            )
        if num_processes < 1:
            raise ValueError(f'num_processes is {num_processes}, but must be at least 1')
        for item in kwargs.get('metric_items') or ():
            if item not in STATS:
                raise ValueError(f'metric_items has {item!r}, but must be of {", ".join(STATS)}')
        if lvis_ann_file is not None and ann_file is None:
            raise ValueError(
                'lvis_ann_file needs ann_file: the categories of both are matched by their ids'
            )
        host_metrics = [name for name in names if name in HOST_METRICS]
        super().__init__(metric=host_metrics, **kwargs)
        self.own_metrics = [name for name in names if name in OWN_METRICS]
        masks = bool(self.own_metrics) or 'segm' in names or lvis_ann_file is not None
        self.open_annotations(ann_file, masks)
        self.dilation_ratio = dilation_ratio
        self.num_processes = num_processes
        self._lvis_api = None
        if lvis_ann_file is not None:
            with get_local_path(lvis_ann_file, backend_args=self.backend_args) as path:
                self._lvis_api = _open_lvis(path)
            check_lvis_annotations(self._lvis_api, lvis_ann_file)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Collect predictions, see ``mmdet.CocoMetric``.

        Raises:
            ValueError: If a label is none of the data set's.
        """
        for sample in data_samples:
            check_labels(sample, self.dataset_meta['classes'])
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Figures of ``mmdet.CocoMetric`` followed by ours.

        Args:
            results: What ``process`` collected.

        Raises:
            ValueError: If masks have to be compared and the model predicts none.
        """
        if self._label_categories is not None:
            results = self._by_category(results, self._label_categories)
        wants_masks = self.own_metrics or self._lvis_api is not None
        if self.format_only or not wants_masks:
            return super().compute_metrics(results)
        if 'masks' not in results[0][1]:
            raise ValueError(
                f'{", ".join(self.own_metrics) or "lvis_ann_file"} needs masks, but the '
                'predictions have none: use a model with a mask head, or take it out of the metric'
            )
        given_prefix = self.outfile_prefix
        with tempfile.TemporaryDirectory() as folder:
            # named, so that the file of detections is still there for us
            self.outfile_prefix = given_prefix or osp.join(folder, 'results')
            try:
                figures = super().compute_metrics(results)
                figures.update(self._mask_figures(f'{self.outfile_prefix}.segm.json'))
            finally:
                self.outfile_prefix = given_prefix
        return figures

    def _by_category(self, results: list, categories: list[int]) -> list:
        """Results with labels in the order of the category ids, as COCOeval sorts them.

        The host names the rows of its tables by the order of ``cat_ids``.
        """
        self.cat_ids = sorted(categories)
        positions = np.array([self.cat_ids.index(i) for i in categories])
        if not any(self._coco_api.catToImgs.get(i) for i in self.cat_ids):
            print_log(
                f'{self._coco_api.path} has no object of the classes of the data set: without any, '
                'AP is -1 and a mean is nan',
                logger='current',
                level=logging.WARNING,
            )
        return [(gt, {**found, 'labels': positions[found['labels']]}) for gt, found in results]

    def _mask_figures(self, segm_file: str) -> dict[str, float]:
        detections = load(segm_file)
        figures = {}
        for name in self.own_metrics:
            print_log(f'Evaluating {name}...', logger='current')
            evaluate = self._boundary_ap if name == 'boundary' else self._boundary_f1
            figures.update(evaluate(load_masks(self._coco_api, detections)))
        if self._lvis_api is not None:
            print_log('Evaluating segm under the rules of LVIS...', logger='current')
            figures.update(self._lvis_ap(self._lvis_api, detections))
        return figures

    def _boundary_ap(self, coco_dt: COCO) -> dict[str, float]:
        coco_eval = BoundaryCOCOeval(
            self._coco_api, coco_dt, self.dilation_ratio, self.num_processes
        )
        self._set_params(coco_eval)
        coco_eval.evaluate()
        coco_eval.accumulate()
        coco_eval.summarize()
        figures = self._class_figures(coco_eval) if self.classwise else {}
        stats = dict(zip(STATS, coco_eval.stats, strict=True))
        for item in self.metric_items or ITEMS:
            figures[f'boundary_{item}'] = round(float(stats[item]), 3)
        copypaste = ' '.join(f'{value:.3f}' for value in coco_eval.stats[:6])
        print_log(f'boundary_mAP_copypaste: {copypaste}', logger='current')
        return figures

    def _class_figures(self, coco_eval: COCOeval) -> dict[str, float]:
        """Print the table of classes; the mAP of each."""
        figures, table = {}, PrettyTable(['category', *ITEMS], align='l')
        for index, class_id in enumerate(coco_eval.params.catIds):
            name = self._coco_api.cats[class_id]['name']
            values = [round(mean_precision(coco_eval, item, index), 3) for item in ITEMS]
            figures[f'{name}_boundary_precision'] = values[0]
            table.add_row([name, *values])
        print_log(f'boundary\n{table}', logger='current')
        return figures

    def _boundary_f1(self, coco_dt: COCO) -> dict[str, float]:
        coco_eval = COCOeval(self._coco_api, coco_dt, 'segm')
        self._set_params(coco_eval)
        means, num_pairs = mean_boundary_f1(coco_eval, F1_RADII, self.num_processes)
        print_log(f'boundary_f1 is the mean over {num_pairs} objects', logger='current')
        return {f'boundary_f1_r{r}': round(f1, 3) for r, f1 in zip(F1_RADII, means, strict=True)}

    @staticmethod
    def _lvis_ap(coco_gt: COCO, detections: list[dict]) -> dict[str, float]:
        known = coco_gt.imgs
        detections = best_per_image([d for d in detections if d['image_id'] in known])
        coco_eval = LVISRulesCOCOeval(coco_gt, load_masks(coco_gt, detections))
        coco_eval.evaluate()
        coco_eval.accumulate()
        return {f'segm_lvis_{item}': round(mean_precision(coco_eval, item), 3) for item in ITEMS}

    def _set_params(self, coco_eval: COCOeval) -> None:
        coco_eval.params.catIds = self.cat_ids
        coco_eval.params.imgIds = self.img_ids
        coco_eval.params.maxDets = sorted(self.proposal_nums)
        coco_eval.params.iouThrs = self.iou_thrs
