"""MMDetection's LVIS metric with the NumPy that is installed."""

import sys

import numpy as np
import pytest
from evaluation.test_boundary_coco_metric import CLASSES, IMAGES, annotation_file, predictions
from mmengine.evaluator import Evaluator

from mmfewshot_seg.evaluation.lvis_metric import old_numpy_float


def _evaluator(ann_file: str) -> Evaluator:
    metric = dict(type='mmfewshot_seg.LVISv1Metric', ann_file=ann_file, metric=['bbox', 'segm'])
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = dict(classes=CLASSES)
    return evaluator


def test_perfect_predictions_reach_one(tmp_path) -> None:
    pytest.importorskip('lvis')
    lists = dict(neg_category_ids=[], not_exhaustive_category_ids=[])
    evaluator = _evaluator(annotation_file(tmp_path / 'lvis.json', frequency='f', **lists))
    for sample in predictions():
        evaluator.process([sample])
    figures = evaluator.evaluate(len(IMAGES))
    assert figures['lvis/bbox_AP'] == figures['lvis/segm_AP'] == 1


def test_numpy_stays_as_it_is() -> None:
    before = hasattr(np, 'float')
    with old_numpy_float():
        assert np.float is float
    assert hasattr(np, 'float') == before


def test_a_missing_package_is_told_at_the_start(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'lvis', None)
    with pytest.raises(ImportError, match='Install it: pip install lvis'):
        _evaluator(str(tmp_path / 'lvis.json'))
