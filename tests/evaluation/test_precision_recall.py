"""Curves by a slow form that asks every threshold, areas and F1 by hand."""

import numpy as np
import pytest

from mmfewshot_seg.evaluation.precision_recall import (
    average_precision,
    best_f1,
    precision_recall,
)


@pytest.mark.parametrize('seed', range(5))
def test_curve_and_area_by_a_slow_form(seed) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.integers(0, 8, 30) / 4, rng.random(30) < 0.4  # many are equal
    thresholds, precision, recall = precision_recall(scores, positive)
    assert thresholds.tolist() == sorted(set(scores.tolist()), reverse=True)
    area, before = 0.0, 0.0
    for threshold, p, r in zip(thresholds, precision, recall, strict=True):
        found = [
            bool(truth) for score, truth in zip(scores, positive, strict=True) if score >= threshold
        ]
        assert p == pytest.approx(sum(found) / len(found))
        assert r == pytest.approx(sum(found) / positive.sum())
        area += p * (r - before)
        before = r
    assert recall[-1] == 1
    assert average_precision(precision, recall) == pytest.approx(area)


def test_by_hand() -> None:
    curve = precision_recall([0.9, 0.7, 0.5, 0.1], [True, False, True, False])
    assert average_precision(*curve[1:]) == pytest.approx((1 + 2 / 3) / 2)
    f1, threshold = best_f1(*curve)
    assert (f1, threshold) == (pytest.approx(0.8), 0.5)  # precision 2/3, recall 1
    apart = precision_recall([3, 2, 1], [True, True, False])
    assert average_precision(*apart[1:]) == 1
    assert best_f1(*apart) == (1, 2)


def test_equal_scores_give_the_share_of_positives_in_any_order() -> None:
    for positive in ([True, False, False, True], [False, True, True, False]):
        curve = precision_recall([0.5] * 4, positive)
        assert average_precision(*curve[1:]) == 0.5


def test_a_negative_ahead_of_all() -> None:
    curve = precision_recall([2.0, 1.0], [False, True])
    assert average_precision(*curve[1:]) == 0.5
    assert best_f1(*curve) == (pytest.approx(2 / 3), 1.0)


@pytest.mark.parametrize(
    ('scores', 'positive', 'message'),
    [
        ([1.0, 2.0], [True], r'\(2,\) and truth \(1,\)'),
        ([1.0, np.nan], [True, False], 'a score is nan'),
        ([1.0, 2.0], [False, False], 'no case is positive'),
    ],
)
def test_user_errors(scores, positive, message) -> None:
    with pytest.raises(ValueError, match=message):
        precision_recall(scores, positive)
