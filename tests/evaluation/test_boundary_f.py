"""Boundary F-score: by hand, against dilations, at its limits; the metric within MMEngine."""

from math import nan

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from mmfewshot_seg.evaluation import BoundaryFMetric
from mmfewshot_seg.evaluation.boundary_f import boundary_bits, boundary_f_scores, pixel_radius


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Pixel by pixel, as defined."""
    height, width = mask.shape
    edges = np.zeros(mask.shape, bool)
    for y, x in np.ndindex(height - 1, width - 1):
        edges[y, x] = len({mask[y, x], mask[y, x + 1], mask[y + 1, x], mask[y + 1, x + 1]}) > 1
    edges[-1, :-1] = mask[-1, :-1] != mask[-1, 1:]
    edges[:-1, -1] = mask[:-1, -1] != mask[1:, -1]
    return edges


def _by_dilation(pred, target, num_classes, radii, ignore_index=255) -> np.ndarray:
    scores = np.full((len(radii), num_classes), nan)
    for k, number in np.ndindex(scores.shape):
        ignored = target == ignore_index
        ours, theirs = (_boundary((m == number) & ~ignored) for m in (pred, target))
        y, x = np.ogrid[-radii[k] : radii[k] + 1, -radii[k] : radii[k] + 1]
        disc = (x**2 + y**2 <= radii[k] ** 2).astype(np.uint8)
        if ours.any() or theirs.any():
            precision, recall = (
                (a & (cv2.dilate(b.astype(np.uint8), disc) > 0)).sum() / max(a.sum(), 1)
                for a, b in ((ours, theirs), (theirs, ours))
            )
            both = precision + recall
            scores[k, number] = 2 * precision * recall / both if both else 0
    return scores


def _maps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.RandomState(seed)
    target = rng.randint(0, 5, (8, 10)).repeat(6, 0).repeat(6, 1)
    pred = np.roll(target, rng.randint(-4, 5, 2), (0, 1))
    pred[rng.rand(*pred.shape) < 0.03] = 5
    target[20:33, 12:40] = 255
    return pred, target


@pytest.mark.parametrize('seed', range(3))
def test_same_scores_as_by_dilation(seed) -> None:
    pred, target = _maps(seed)
    radii = [1, 2, 3, 7, 70]  # the last one leaves the image
    found = boundary_f_scores(pred, target, 8, radii)
    np.testing.assert_allclose(found, _by_dilation(pred, target, 8, radii), atol=1e-12)
    assert np.isnan(found[:, 6:]).all() and (np.diff(found[:, :5], axis=0) >= 0).all()


def test_many_classes_are_computed_in_parts() -> None:
    pred, target = _maps(0)
    few, target = boundary_f_scores(pred, target, 6, [2]), target.astype(int)
    numbers = np.array([3, 31, 32, 63, 64, 130])
    shown = np.where(target == 255, 255, numbers[np.minimum(target, 5)])
    many = boundary_f_scores(numbers[pred], shown, 131, [2])
    np.testing.assert_array_equal(many[:, numbers], few)
    assert np.isfinite(many).sum() == np.isfinite(few).sum()


def test_radii_may_be_no_whole_numbers() -> None:
    pred, target = _maps(2)
    found = boundary_f_scores(pred, target, 6, [2, 2.3, 2.9, 5**0.5])
    np.testing.assert_array_equal(found[1], boundary_f_scores(pred, target, 6, [2.24])[0])
    assert (found[1] > found[0]).any() and (found[2] > found[1]).any()
    np.testing.assert_array_equal(found[3], found[1])  # 1, 2 is within the root of 5


def test_boundaries_pixel_by_pixel() -> None:
    labels = np.random.RandomState(0).randint(-1, 3, (7, 9))
    for first in (0, 1):
        found = boundary_bits(labels, first)
        for c in range(first, 3):
            np.testing.assert_array_equal(found >> (c - first) & 1, _boundary(labels == c))


def test_score_by_hand() -> None:
    target = np.zeros((1, 12), np.uint8)
    pred = target.copy()
    target[0, 4:] = 1  # boundary at column 3
    pred[0, 6:] = 1  # at column 5
    pred[0, 11] = 0  # and at column 10
    scores = boundary_f_scores(pred, target, 2, [1, 2, 7])
    np.testing.assert_allclose(scores, [[0, 0], [2 / 3, 2 / 3], [1, 1]])


def test_one_empty_map_scores_zero_and_two_have_none() -> None:
    empty, other = np.zeros((5, 5), int), np.zeros((5, 5), int)
    other[2, 2] = 1
    for maps in ((empty, other), (other, empty)):
        np.testing.assert_array_equal(boundary_f_scores(*maps, 3, [3]), [[0, 0, nan]])
    np.testing.assert_array_equal(boundary_f_scores(empty, empty, 2, [3]), [[nan, nan]])


def test_swapping_the_maps_changes_nothing() -> None:
    pred, target = _maps(4)
    target[target == 255] = 0
    swapped = boundary_f_scores(target, pred, 6, [2, 3])
    np.testing.assert_allclose(boundary_f_scores(pred, target, 6, [2, 3]), swapped)


@pytest.mark.parametrize(
    ('threshold', 'shape', 'pixels'),
    [(3, (9, 9), 3), (0.001, (1024, 2048), 3), (0.0005, (1024, 2048), 2), (0.02, (64, 90), 3)],
)
def test_thresholds_below_one_are_shares_of_the_diagonal(threshold, shape, pixels) -> None:
    assert pixel_radius(threshold, shape) == pixels


def test_wrong_maps_are_refused() -> None:
    labels = np.array([[0, 3], [255, 1]])
    with pytest.raises(ValueError, match='true label 3 is outside the 3 classes'):
        boundary_f_scores(np.zeros((2, 2), int), labels, 3, [1])
    with pytest.raises(ValueError, match='predicted label 255 is outside'):
        boundary_f_scores(labels, np.zeros((2, 2), int), 3, [1])
    with pytest.raises(ValueError, match=r'prediction of \(2, 3\) pixels, labels of \(2, 2\)'):
        boundary_f_scores(np.zeros((2, 3), int), labels, 4, [1])


def _sample(pred: np.ndarray, target: np.ndarray) -> dict:
    return dict(
        pred_sem_seg=dict(data=torch.from_numpy(pred)[None]),
        gt_sem_seg=dict(data=torch.from_numpy(target)[None]),
    )


@pytest.mark.parametrize('count_absent', [True, False])
def test_metric_is_the_mean_over_images_then_classes(count_absent, capsys) -> None:
    pairs = [_maps(0), (np.zeros((6, 6), int), np.ones((6, 6), int))]  # the second has no boundary
    metric = dict(
        type='mmfewshot_seg.BoundaryFMetric', thresholds=(1, 0.05), count_absent=count_absent
    )
    evaluator = Evaluator([metric, dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])])
    evaluator.dataset_meta = dict(classes=tuple('abcdefg'))
    evaluator.process([_sample(*pair) for pair in pairs])
    figures = evaluator.evaluate(size=2)
    first = boundary_f_scores(*pairs[0], 7, [1, pixel_radius(0.05, pairs[0][1].shape)])
    for name, scores in zip(('boundary_F@1', 'boundary_F@0.05'), first, strict=True):
        expected = (np.nan_to_num(scores, nan=1) + 1) / 2 if count_absent else scores
        assert figures[name] == pytest.approx(100 * np.nanmean(expected))
    assert 'mIoU' in figures


def test_any_label_may_be_the_ignored_one() -> None:
    pred, target = _maps(1)
    figures = []
    for index in (255, 6):
        metric = BoundaryFMetric((2,), ignore_index=index)
        metric.dataset_meta = dict(classes=tuple('abcdef'))
        metric.process({}, [_sample(pred, np.where(target == 255, index, target))])
        figures.append(metric.evaluate(size=1))
    assert figures[0] == figures[1]


def test_thresholds_must_be_positive() -> None:
    for thresholds in ((), (3, 0), 3):
        with pytest.raises(ValueError, match='expected positive pixels or shares'):
            BoundaryFMetric(thresholds)
