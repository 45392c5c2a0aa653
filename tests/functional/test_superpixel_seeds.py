"""Seeds by hand, the quirks of the official placement, and what holds for any mask."""

import numpy as np
import pytest

from mmfewshot_seg.functional.superpixel_seeds import official_placement, superpixel_seeds

NONE = [[-1, -1]] * 5


def positions(*wanted, size=(20, 20)):
    """Mask at feature size, sampled as it is; ``wanted`` are slices."""
    mask = np.zeros(size, bool)
    for place in wanted:
        mask[place] = True
    return mask


def blob(seed, side=161, level=0.0):
    """Smooth random mask of any shape."""
    noise = np.random.default_rng(seed).normal(size=(6, 6))
    rows = np.linspace(0, 5, side)
    weights = np.maximum(0, 1 - abs(rows[:, None] - np.arange(6)))
    return weights @ noise @ weights.T > level


def used(seeds):
    return seeds[(seeds >= 0).all(1)]


@pytest.mark.parametrize(
    ('side', 'placed', 'kept'),
    [
        (473, [[59, 59], [0, 0], [0, 59], [59, 0], [29, 29]], 3),
        (161, [[20, 20], [0, 0], [0, 20], [20, 0]], 2),
        (97, [[12, 12], [0, 0]], 0),
    ],
)
def test_seeds_at_a_zero_coordinate_are_miscounted(side, placed, kept):
    mask = np.ones((side, side), bool)
    size = ((side - 1) // 8 + 1,) * 2
    assert official_placement(mask, size).tolist() == placed
    assert superpixel_seeds(mask, size).tolist() == placed[:kept] + NONE[kept:]


@pytest.mark.parametrize(('count', 'seeds'), [(149, 0), (150, 2), (249, 2), (250, 2), (251, 3)])
def test_official_number_is_rounded_half_to_even(count, seeds):
    mask = np.zeros((20, 20), bool)
    mask[1:, 1:] = (np.arange(361) < count).reshape(19, 19)
    assert len(official_placement(mask, (20, 20))) == seeds
    assert len(used(superpixel_seeds(mask, (20, 20)))) == seeds


@pytest.mark.parametrize(('count', 'seeds'), [(199, 0), (200, 2), (299, 2), (300, 3)])
def test_clean_number_is_whole_areas(count, seeds):
    mask = (np.arange(400) < count).reshape(20, 20)
    assert len(used(superpixel_seeds(mask, (20, 20), seeding='clean'))) == seeds


@pytest.mark.parametrize('max_seeds', [1, 2, 3])
@pytest.mark.parametrize('seeding', ['official', 'clean'])
def test_at_most_max_seeds(max_seeds, seeding):
    mask = positions(np.s_[2:18, 2:18])
    seeds = superpixel_seeds(mask, (20, 20), max_seeds, area=20, seeding=seeding)
    assert seeds.shape == (max_seeds, 2) and seeds.dtype == np.int64
    assert len(used(seeds)) == (max_seeds if max_seeds > 1 else 0)


def test_official_rectangle_starts_at_its_bottom_right():
    mask = positions(np.s_[3:8, 4:14])
    seeds = superpixel_seeds(mask, (20, 20), max_seeds=3, area=10)
    assert seeds.tolist() == [[7, 13], [3, 4], [3, 9]]


def test_cross_by_hand():
    mask = positions(np.s_[5:12, 7:10], np.s_[7:10, 5:12])  # arms 7 long and 3 wide
    # The middle is farthest from the corners of the box. Official: then the ends of the arms,
    # 3 from the middle, the upper and the left one first. Clean: an end is 1 from the border.
    assert superpixel_seeds(mask, (20, 20), 3, area=11).tolist() == [[8, 8], [5, 8], [8, 5]]
    clean = superpixel_seeds(mask, (20, 20), 3, area=11, seeding='clean')
    assert clean.tolist() == [[8, 8], [6, 8], [8, 6]]


def test_one_column_by_hand():
    mask = positions(np.s_[2:11, 6])
    # official: the box is full; clean: the border is background, all are at distance 1
    assert superpixel_seeds(mask, (20, 20), 3, area=3).tolist() == [[10, 6], [2, 6], [6, 6]]
    clean = superpixel_seeds(mask, (20, 20), 3, area=3, seeding='clean')
    assert clean.tolist() == [[2, 6], [3, 6], [4, 6]]


def test_official_sampling_is_not_the_grid_of_the_features():
    mask = np.zeros((473, 473), bool)
    mask[7, 7] = True  # floor(473 / 60) = 7, while the features lie at multiples of 8
    mask[64, 64] = True
    assert official_placement(mask, (60, 60), area=1).tolist() == []
    mask[7, 15] = True
    assert official_placement(mask, (60, 60), area=1).tolist() == [[1, 2], [1, 1]]
    assert (superpixel_seeds(mask, (60, 60), area=1, seeding='clean') == -1).all()


@pytest.mark.parametrize('seeding', ['official', 'clean'])
def test_empty_mask_has_none(seeding):
    assert superpixel_seeds(np.zeros((33, 41), bool), (5, 6), seeding=seeding).tolist() == NONE


@pytest.mark.parametrize('seed', range(12))
def test_clean_seeds_lie_inside_distinct_and_unused_places_last(seed):
    mask = blob(seed, level=0.3 * (seed % 3))
    small = mask[::8, ::8]  # sides of 8k + 1: the grid of the features, exactly
    area = 20
    seeds = superpixel_seeds(mask, small.shape, area=area, seeding='clean')
    wanted = min(small.sum() // area, 5)
    places = used(seeds)
    assert len(places) == (wanted if wanted > 1 else 0)
    assert (seeds[len(places) :] == -1).all()
    assert small[tuple(places.T)].all()
    assert len(np.unique(places, axis=0)) == len(places)


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize('side', [161, 97, 150])
def test_official_seeds_lie_in_the_sampled_mask(seed, side):
    mask = blob(seed, side)
    size = (-(-side // 8),) * 2
    steps = np.arange(size[0]) * side // size[0]
    placed = official_placement(mask, size, area=20)
    assert mask[np.ix_(steps, steps)][tuple(placed.T)].all()
    assert len(np.unique(placed, axis=0)) == len(placed)
    places = used(superpixel_seeds(mask, size, area=20))
    assert places.tolist() == placed[: len(places)].tolist()


@pytest.mark.parametrize('seeding', ['official', 'clean'])
def test_moving_a_mask_moves_its_seeds(seeding):
    mask = np.zeros((40, 40), bool)
    mask[2:20, 3:21] = blob(5, 18)
    moved = np.roll(mask, (11, 9), (0, 1))
    first, second = (superpixel_seeds(m, (40, 40), area=20, seeding=seeding) for m in (mask, moved))
    assert len(used(first)) > 1
    assert (used(second) == used(first) + (11, 9)).all()


def test_seeds_spread():
    mask = positions(np.s_[1:19, 1:6], np.s_[1:19, 14:19])  # two bars
    seeds = used(superpixel_seeds(mask, (20, 20), 2, area=50, seeding='clean'))
    assert abs(seeds[0] - seeds[1]).max() > 1


def test_the_mask_is_not_written_to():
    mask = np.ones((20, 20), bool)
    for seeding in ('official', 'clean'):
        superpixel_seeds(mask, (20, 20), seeding=seeding)
    assert mask.all()


def test_unknown_seeding_is_refused():
    with pytest.raises(ValueError, match="seeding='exact', expected one of"):
        superpixel_seeds(np.zeros((33, 41), bool), (5, 6), seeding='exact')
