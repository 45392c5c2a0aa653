"""Episodes: what every one of thousands must hold, the list orders, and refusals."""

import itertools
from collections import Counter
from math import comb

import numpy as np
import pytest

from mmfewshot_seg.datasets.episode_sampler import EpisodeSampler

# image, class, pixels: class 0 in images 0-5, class 1 in 4-9, class 2 in 8-13, class 3 in 20-22
PAIRS = np.array(
    [(image, 0, 100 + image) for image in range(6)]
    + [(image, 1, 200) for image in range(4, 10)]
    + [(image, 2, 300) for image in range(8, 14)]
    + [(image, 3, 400) for image in range(20, 23)]
)
HOLDS = {(image, class_id) for image, class_id, _ in PAIRS.tolist()}
GRID = list(itertools.product((1, 2, 3), (1, 2), (1, 2), ('random', 'images', 'pairs')))


@pytest.mark.parametrize(('num_ways', 'num_shots', 'num_queries', 'query_order'), GRID)
def test_every_episode_is_sound(num_ways, num_shots, num_queries, query_order):
    sampler = EpisodeSampler(
        PAIRS,
        [0, 1, 2],
        num_ways,
        num_shots,
        num_queries,
        num_episodes=100,
        num_runs=2,
        query_order=query_order,
    )
    for i in range(len(sampler)):
        episode = sampler.episode(i)
        assert (episode.run, episode.index) == divmod(i, 100)
        assert len(set(episode.class_ids)) == num_ways <= 3
        assert set(episode.class_ids) <= {0, 1, 2}
        assert [len(set(way)) for way in episode.support] == [num_shots] * num_ways
        assert len(set(episode.query)) == num_queries
        supports = {image for way in episode.support for image in way}
        assert not supports & set(episode.query)
        for class_id, way in zip(episode.class_ids, episode.support, strict=True):
            assert all((image, class_id) in HOLDS for image in way)
        for image in episode.query:
            assert any((image, class_id) in HOLDS for class_id in episode.class_ids)


def test_episode_is_a_pure_function_of_seed_and_index():
    def build(seed):
        return EpisodeSampler(PAIRS, [0, 1, 2], 2, 2, num_episodes=50, num_runs=2, seed=seed)

    one, same, next_seed = build(7), build(7), build(8)
    forwards = [one.episode(i) for i in range(100)]
    np.random.seed(0)
    backwards = [same.episode(i) for i in reversed(range(100))]
    assert forwards == backwards[::-1]
    assert len({(e.support, e.query) for e in forwards}) > 95
    assert one.episode(0).support != next_seed.episode(0).support
    # run 1 of seed 7 is run 0 of seed 8
    assert [e.support for e in forwards[50:]] == [next_seed.episode(i).support for i in range(50)]


def test_fixed_list_of_episodes():
    sampler = EpisodeSampler(PAIRS, [0, 1, 2, 3], 2, 1, seed=1234)
    drawn = [sampler.episode(i) for i in range(3)]
    assert [e.class_ids for e in drawn] == [(1, 0), (1, 3), (1, 2)]
    assert [e.support for e in drawn] == [((5,), (2,)), ((6,), (21,)), ((7,), (10,))]
    assert [e.query for e in drawn] == [(9,), (9,), (9,)]


def test_draws_are_uniform():
    sampler = EpisodeSampler(PAIRS, [0, 1, 2], 1, 1, num_episodes=6000)
    episodes = [sampler.episode(i) for i in range(6000)]
    classes = Counter(e.class_ids[0] for e in episodes)
    assert all(abs(classes[c] - 2000) < 150 for c in range(3))
    first = Counter((e.query[0], e.support[0][0]) for e in episodes if e.class_ids == (0,))
    assert len(first) == 30  # every ordered pair of the six images
    assert max(first.values()) < 2000 / 30 * 1.6
    assert min(first.values()) > 2000 / 30 * 0.5


def test_query_shows_any_way():
    sampler = EpisodeSampler(PAIRS, [0, 3], 2, 1, num_episodes=400)
    places = Counter()
    for i in range(400):
        episode = sampler.episode(i)
        places[episode.class_ids.index(3) == int(episode.query[0] >= 20)] += 1
    assert min(places.values()) > 150


def test_ways_share_no_image_while_there_are_enough():
    pairs = [(image, class_id, 9) for image in range(8) for class_id in (0, 1)]
    sampler = EpisodeSampler(pairs, [0, 1], 2, 3, num_episodes=300)
    for i in range(300):
        episode = sampler.episode(i)
        assert len({*episode.support[0], *episode.support[1]}) == 6
    tight = EpisodeSampler([p for p in pairs if p[0] < 4], [0, 1], 2, 3, num_episodes=50)
    for i in range(50):
        episode = tight.episode(i)
        assert set(episode.support[0]) == set(episode.support[1]) == {0, 1, 2, 3} - {*episode.query}


def test_image_list_in_order():
    # class 0 is large in images 0-3, class 1 in 2-5; image 6 holds small objects only; image 3
    # also shows class 2, but small
    pairs = [(j, 0, 2048) for j in range(4)] + [(j, 1, 5000) for j in range(2, 6)]
    pairs += [(6, 0, 2047), (6, 1, 10), (3, 2, 5)] + [(j, 2, 9000) for j in range(7, 10)]
    sampler = EpisodeSampler(
        pairs, [0, 1, 2], num_episodes=1000, min_area=2048, query_order='images'
    )
    episodes = [sampler.episode(i) for i in range(1000)]
    listed = [0, 1, 2, 3, 4, 5, 7, 8, 9]
    assert [e.query[0] for e in episodes] == [listed[i % 9] for i in range(1000)]
    shown = {image: Counter() for image in listed}
    for e in episodes:
        shown[e.query[0]][e.class_ids[0]] += 1
    assert {image: set(classes) for image, classes in shown.items()} == {
        0: {0},
        1: {0},
        2: {0, 1},
        3: {0, 1, 2},
        4: {1},
        5: {1},
        7: {2},
        8: {2},
        9: {2},
    }
    assert min(shown[3].values()) > 20
    supports = {(e.class_ids[0], image) for e in episodes for image in e.support[0]}
    assert supports == {(0, j) for j in range(4)} | {(1, j) for j in range(2, 6)} | {
        (2, j) for j in range(7, 10)
    }


def test_training_pass_visits_every_image_once_in_a_new_order():
    sampler = EpisodeSampler(
        PAIRS, [0, 1, 2], num_episodes=42, query_order='images', shuffle_list=True
    )
    queries = [sampler.episode(i).query[0] for i in range(42)]
    passes = [queries[start : start + 14] for start in (0, 14, 28)]
    assert all(sorted(one) == list(range(14)) for one in passes)
    assert len({tuple(one) for one in passes}) == 3
    assert list(range(14)) not in passes


def test_pair_list_in_order():
    sampler = EpisodeSampler(PAIRS, [1, 2], num_episodes=24, query_order='pairs')
    listed = sorted((j, c) for j, c, _ in PAIRS.tolist() if c in (1, 2))
    drawn = [sampler.episode(i) for i in range(24)]
    assert [(e.query[0], e.class_ids[0]) for e in drawn] == listed * 2


def test_listed_class_stands_at_any_way():
    sampler = EpisodeSampler(PAIRS, [0, 1, 2], 2, num_episodes=300, query_order='pairs')
    listed = sorted((j, c) for j, c, _ in PAIRS.tolist() if c < 3)
    drawn = (sampler.episode(i).class_ids for i in range(300))
    places = Counter(ids.index(listed[i % len(listed)][1]) for i, ids in enumerate(drawn))
    assert min(places[0], places[1]) > 120


def test_small_objects_are_no_supports():
    sampler = EpisodeSampler(PAIRS, [0], num_episodes=200, min_area=103)
    drawn = [sampler.episode(i) for i in range(200)]
    assert {image for e in drawn for image in (*e.support[0], *e.query)} == {3, 4, 5}


@pytest.mark.parametrize('num_ways', [1, 2, 3])
def test_num_possible_is_the_count_of_all(num_ways):
    sampler = EpisodeSampler(PAIRS, [0, 1, 3], num_ways, 2, 1)
    sizes, total = {0: 6, 1: 6, 3: 3}, 0
    for ways in itertools.combinations(sizes, num_ways):
        for asked in ways:
            product = sizes[asked] * comb(sizes[asked] - 1, 2)
            for other in ways:
                product *= comb(sizes[other], 2) if other != asked else 1
            total += product
    assert sampler.num_possible() == total


def test_coco_sized_construction_and_episodes_are_quick():
    rng = np.random.RandomState(0)
    flat = rng.choice(80_000 * 60, 200_000, replace=False)
    pairs = np.stack([flat // 60, flat % 60, rng.randint(1, 9000, 200_000)], 1)
    sampler = EpisodeSampler(
        pairs, range(60), 5, 5, min_area=2048, query_order='images', shuffle_list=True
    )
    assert sum(len(images) for images in sampler.images.values()) == (pairs[:, 2] >= 2048).sum()
    for i in range(20):
        sampler.episode(i)


def test_the_largest_seed_and_integers_of_numpy():
    sampler = EpisodeSampler(
        PAIRS, [0, 1, 2], num_shots=np.int64(1), num_episodes=5, num_runs=2, seed=2**32 - 2
    )
    assert sampler.episode(9).run == 1


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'num_shots': 0}, 'num_shots must be an integer of at least 1, got 0'),
        ({'num_ways': 1.0}, 'num_ways must be an integer of at least 1, got 1.0'),
        ({'num_queries': True}, 'num_queries must be an integer of at least 1, got True'),
        ({'num_episodes': '9'}, "num_episodes must be an integer of at least 1, got '9'"),
        ({'num_runs': -1}, 'num_runs must be an integer of at least 1, got -1'),
        ({'seed': -1}, 'seed must be an integer from 0 to 4294967295, got -1'),
        ({'seed': 2**32 - 1, 'num_runs': 2}, 'from 0 to 4294967294, got 4294967295'),
        ({'seed': 1.5}, 'seed must be an integer .* got 1.5'),
        ({'seed': '1'}, "seed must be an integer .* got '1'"),
        ({'query_order': 'list'}, "query_order .* got 'list'"),
        ({'class_ids': [0, 1], 'num_ways': 3}, '3 ways .* only 2 can be drawn'),
        ({'num_shots': 3}, r'3 shots and 1 queries need 4 images of every class.*: sea \(3\)\. '),
        (
            {'num_shots': 5, 'num_queries': 2},
            r'air \(6\), earth \(6\), fire \(6\), sea \(3\)',
        ),
        ({'min_area': 350, 'class_ids': [2, 3]}, r'of at least 350 pixels.*: fire \(0\)\.'),
        ({'class_ids': [3, 5]}, r'ether \(0\)'),
        ({'pairs': [(0, 0, 5), (1, 0, 5), (0, 0, 6)]}, 'class 0 of image 0 more than once'),
    ],
)
def test_refusals(changes, message):
    arguments = {'pairs': PAIRS, 'class_ids': [0, 1, 2, 3]} | changes
    names = ['air', 'earth', 'fire', 'sea', 'void', 'ether']
    with pytest.raises(ValueError, match=message):
        EpisodeSampler(**arguments, class_names=names)


@pytest.mark.parametrize('i', [-1, 10])
def test_no_episode_beyond_the_last(i):
    with pytest.raises(IndexError, match=f'episode {i} of 10'):
        EpisodeSampler(PAIRS, [0], num_episodes=5, num_runs=2).episode(i)
