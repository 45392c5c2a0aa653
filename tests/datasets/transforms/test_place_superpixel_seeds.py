"""Seeds of a support in its pipeline."""

import numpy as np
import pytest

from mmfewshot_seg.datasets.transforms import PlaceSuperpixelSeeds
from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.registry import TRANSFORMS


def seeds_sample(label, way=1, role='support'):
    return dict(gt_seg_map=np.asarray(label, np.uint8), way=way, role=role)


@pytest.mark.parametrize('seeding', ['official', 'clean'])
def test_seeds_are_those_of_the_way(seeding):
    label = np.full((97, 161), 255, np.uint8)
    label[:, :120] = 0
    label[10:80, 10:90] = 2
    label[30:50, 30:50] = 1
    transform = TRANSFORMS.build(
        dict(type='mmfewshot_seg.PlaceSuperpixelSeeds', area=20, max_seeds=4, seeding=seeding)
    )
    results = transform(seeds_sample(label, way=2))
    expected = superpixel_seeds(label == 2, (13, 21), 4, 20, seeding)
    assert results['seeds'].tolist() == expected.tolist() and (expected[:2] >= 0).all()
    assert results['seeds'].dtype == np.int64


@pytest.mark.parametrize(('side', 'last'), [(160, 19), (161, 20), (168, 20), (473, 59)])
def test_feature_size_is_that_of_a_network(side, last):
    # The first seed of a full mask lies at the bottom right.
    seeds = PlaceSuperpixelSeeds()(seeds_sample(np.ones((side, side))))['seeds']
    assert seeds[0].tolist() == [last, last]


def test_a_mask_without_the_way_has_none():
    label = np.full((65, 65), 2, np.uint8)
    assert (PlaceSuperpixelSeeds()(seeds_sample(label))['seeds'] == -1).all()


@pytest.mark.parametrize(
    ('sample', 'message'),
    [
        (seeds_sample([[1]], role='query'), 'for support_pipeline, got a query image'),
        (dict(role='support', way=1), 'must stand after .*LoadEpisodeMask'),
    ],
)
def test_wrong_place(sample, message):
    with pytest.raises(ValueError, match=message):
        PlaceSuperpixelSeeds()(sample)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(stride=0), 'stride must be at least 1, got 0'),
        (dict(max_seeds=0), 'max_seeds must be at least 1, got 0'),
        (dict(area=0), 'area must be at least 1, got 0'),
        (dict(seeding='paper'), "seeding is one of .*'clean'.*, got 'paper'"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        PlaceSuperpixelSeeds(**arguments)


def test_repr():
    assert repr(PlaceSuperpixelSeeds()) == (
        "PlaceSuperpixelSeeds(stride=8, max_seeds=5, area=100, seeding='official')"
    )
