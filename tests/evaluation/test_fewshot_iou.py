"""Counts and figures on hand-made episodes."""

import numpy as np
import pytest

from mmfewshot_seg.evaluation import episode_counts, summarize
from mmfewshot_seg.evaluation.fewshot_iou import iou


def random_episodes(num_runs=2, num_episodes=6, num_ways=2, seed=0):
    rng = np.random.RandomState(seed)
    episodes = []
    for run in range(num_runs):
        for index in range(num_episodes):
            classes = tuple(rng.permutation(5)[:num_ways].tolist())
            pred, target = rng.randint(0, num_ways + 1, (2, 1, 8, 9))
            episodes.append((run, index, classes, episode_counts(pred, target, num_ways)))
    return episodes


def assert_same(one: dict, other: dict):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_counts_by_hand():
    target = np.array([[0, 0, 1], [1, 1, 255]])
    pred = np.array([[0, 1, 1], [1, 0, 1]])
    # background: hit 1, taken from class 1: 1, lost: 1; class 1: hits 2, false 1, missed 1
    np.testing.assert_array_equal(episode_counts(pred, target, 1), [[1, 1, 1], [2, 1, 1]])


def test_way_absent_from_the_truth_is_not_recorded():
    target = np.array([[0, 0, 1, 1]])
    pred = np.array([[0, 2, 2, 1]])
    np.testing.assert_array_equal(
        episode_counts(pred, target, 2), [[1, 0, 1], [1, 0, 1], [0, 0, 0]]
    )


def test_rule_holds_for_each_query_by_itself():
    target = np.array([[[0, 1]], [[0, 0]]])
    pred = np.array([[[1, 1]], [[1, 0]]])
    counts = episode_counts(pred, target, 1)
    np.testing.assert_array_equal(counts, [[1, 0, 2], [1, 1, 0]])  # not the query without way 1
    single = sum(episode_counts(p, t, 1) for p, t in zip(pred, target, strict=True))
    np.testing.assert_array_equal(counts, single)


def test_only_ignored_pixels():
    counts = episode_counts(np.ones((1, 2, 2), int), np.full((1, 2, 2), 255), 1)
    assert not counts.any()
    assert np.isnan(iou(counts)).all()
    summary = summarize([(0, 0, (3,), counts)])
    assert np.isnan(summary['miou'])
    assert np.isnan(summary['binary_iou'])


def test_summary_by_hand():
    episodes = [
        (0, 0, (4,), np.array([[10, 0, 0], [3, 1, 0]])),
        (0, 1, (4,), np.array([[10, 2, 0], [1, 1, 2]])),
        (0, 2, (7,), np.array([[0, 0, 5], [5, 5, 0]])),
    ]
    summary = summarize(episodes)
    np.testing.assert_array_equal(summary['class_ids'], [4, 7])
    np.testing.assert_allclose(summary['class_iou'], [4 / 8, 5 / 10])
    assert summary['miou'] == pytest.approx(0.5)
    np.testing.assert_allclose(summary['binary_class_iou'], [20 / 27, 9 / 18])
    assert summary['binary_iou'] == pytest.approx((20 / 27 + 0.5) / 2)
    assert summary['episode_miou'] == pytest.approx((3 / 4 + 1 / 4 + 1 / 2) / 3)
    assert summary['miou_std'] == 0


def test_several_runs_give_mean_and_population_deviation():
    def counts(hits):
        return np.array([[10, 0, 0], [hits, 10 - hits, 0]])

    summary = summarize([(0, 0, (1,), counts(2)), (1, 0, (1,), counts(6)), (1, 1, (2,), counts(4))])
    assert summary['run0/miou'] == pytest.approx(0.2)
    assert summary['run1/miou'] == pytest.approx(0.5)
    assert summary['miou'] == pytest.approx(0.35)
    assert summary['miou_std'] == pytest.approx(0.15)
    np.testing.assert_allclose(summary['class_iou'], [0.4, 0.4])  # class 2 comes in run 1 only
    np.testing.assert_allclose(summary['run0/class_iou'], [0.2, np.nan])


def test_order_and_repetition_do_not_matter():
    episodes = random_episodes()
    shuffled = [episodes[i] for i in np.random.RandomState(1).permutation(len(episodes))]
    assert_same(summarize(episodes), summarize(shuffled + episodes[:3]))


def test_summary_agrees_with_pixels_pooled_at_once():
    rng = np.random.RandomState(3)
    preds, targets = rng.randint(0, 2, (2, 5, 16, 16))
    summary = summarize(
        [
            (0, i, (9,), episode_counts(p, t, 1))
            for i, (p, t) in enumerate(zip(preds, targets, strict=True))
        ]
    )
    expected = (preds & targets).sum() / (preds | targets).sum()
    assert summary['miou'] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ('pred', 'target', 'message'),
    [
        (np.zeros((1, 4, 4), int), np.zeros((1, 4, 5), int), r'\(1, 4, 4\) and truth \(1, 4, 5\)'),
        (np.full((1, 2, 2), 2), np.zeros((1, 2, 2), int), 'prediction contains label 2'),
        (np.full((1, 2, 2), -1), np.zeros((1, 2, 2), int), 'prediction contains label -1'),
        (np.zeros((1, 2, 2), int), np.full((1, 2, 2), 3), 'truth contains label 3'),
    ],
)
def test_bad_maps_are_refused(pred, target, message):
    with pytest.raises(ValueError, match=message):
        episode_counts(pred, target, 1)


def test_no_episode():
    with pytest.raises(ValueError, match='no episode'):
        summarize([])
