"""Scores of predicted edges: threshold by threshold, and at their limits."""

import numpy as np
import pytest
import torch

from mmfewshot_seg.evaluation import EdgeMetric
from mmfewshot_seg.functional.shape_edges import shape_edges


def _sample(edges: torch.Tensor, labels: torch.Tensor) -> dict:
    return dict(pred_edges=dict(data=edges[None]), gt_sem_seg=dict(data=labels[None]))


def _figures(samples: list[dict], **options) -> dict:
    metric = EdgeMetric(**options)
    for sample in samples:
        metric.process({}, [sample])
    return metric.evaluate(size=len(samples))


def _by_thresholds(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Every threshold that occurs, one after the other, highest first."""
    best = average = recall = 0.0
    for threshold in sorted(set(scores), reverse=True):
        found = scores >= threshold
        precision, before = truth[found].mean(), recall
        recall = truth[found].sum() / truth.sum()
        best = max(best, 2 * precision * recall / (precision + recall + 1e-12))
        average += precision * (recall - before)
    return 100 * best, 100 * average


def test_same_figures_as_by_thresholds() -> None:
    rng = np.random.RandomState(0)
    samples, scores, truths = [], [], []
    for height in (12, 17):
        labels = torch.from_numpy(rng.randint(0, 3, (height // 4 + 1, 5))).repeat_interleave(4, 0)
        labels = labels.repeat_interleave(4, 1)[:height]
        labels[:3] = 255
        truth = shape_edges(labels, 1)
        edges = torch.from_numpy(rng.randint(0, 256, truth.shape)) * 0.6 / 255
        edges = (255 * (edges + 0.4 * (truth == 1))).round() / 255
        samples.append(_sample(edges, labels))
        scores.append(edges[truth != 255])
        truths.append(truth[truth != 255])
    expected = _by_thresholds(torch.cat(scores).numpy(), torch.cat(truths).numpy())
    found = _figures(samples, radius=1)
    assert (found['edge_F'], found['edge_AP']) == pytest.approx(expected)
    assert 20 < found['edge_AP'] < 99.9


def test_perfect_and_no_edges() -> None:
    labels = torch.zeros(6, 8, dtype=torch.long)
    labels[:, 4:] = 1
    truth = shape_edges(labels, 2).float()
    assert _figures([_sample(truth, labels)]) == pytest.approx(dict(edge_F=100, edge_AP=100))
    nothing = _figures([_sample(torch.zeros(6, 8), torch.zeros(6, 8, dtype=torch.long))])
    assert nothing == dict(edge_F=0, edge_AP=0)


def test_wrong_use_is_refused() -> None:
    sample = dict(gt_sem_seg=dict(data=torch.zeros(1, 3, 3)))
    with pytest.raises(ValueError, match='no predicted edges: .*GatedSCNN'):
        EdgeMetric().process({}, [sample])
    with pytest.raises(ValueError, match='radius=0'):
        EdgeMetric(radius=0)
