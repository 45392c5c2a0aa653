"""The oracle of the ASGNet benchmark agrees with ours, step by step and as a head."""

from pathlib import Path

import pytest
import torch

from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.models.fewshot import ASGNetHead
from mmfewshot_seg.models.fewshot.prototype_allocation import allocate
from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'
SIZE = 97


@pytest.fixture
def naive(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks import naive_asgnet

    return naive_asgnet


@pytest.fixture
def asgnet(naive):
    from benchmarks import asgnet

    return asgnet


def _disc(radius: float) -> torch.Tensor:
    """(SIZE, SIZE) bool."""
    offset = torch.arange(SIZE) - 40
    return offset.square()[:, None] + offset.square() < radius**2


def test_clusters_and_allocation_agree(naive) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 6, 13, 13, generator=generator)
    query = torch.randn(2, 6, 13, 13, generator=generator)
    masks = torch.stack([_disc(radius)[::8, ::8] for radius in (38, 33, 30)])
    seeds = [
        torch.from_numpy(superpixel_seeds(_disc(radius).numpy(), (13, 13), count, area=5))
        for radius, count in ((38, 5), (33, 5), (30, 5))
    ]
    centres, _ = superpixel_clustering(features, masks, torch.stack(seeds), iterations=5)
    oracle = [naive.cluster(*support, 5) for support in zip(features, masks, seeds, strict=True)]
    torch.testing.assert_close(centres, torch.stack(oracle), rtol=1e-4, atol=1e-5)

    prototypes = centres.flatten(0, 1).expand(2, 1, -1, -1)
    valid = torch.ones(prototypes.shape[:3], dtype=torch.bool)
    similarity, guide = allocate(query, prototypes, valid)
    for i in range(2):
        of_query, of_guide, of_similarity = naive.guided(query[i], prototypes[i, 0]).split(
            [6, 6, 1]
        )
        assert (of_query == query[i]).all()
        torch.testing.assert_close(prototypes[i, 0, guide[i, 0]].permute(2, 0, 1), of_guide)
        torch.testing.assert_close(similarity[i, 0], of_similarity, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('radii', [(40,), (10,), (40, 10, 35, 0, 30)])
def test_heads_agree(naive, radii) -> None:
    """With one and five shots; small and empty masks give one prototype, under the soft mask."""
    torch.manual_seed(0)
    settings = dict(in_channels=(6, 5), channels=8, superpixel_area=10)
    ours, oracle = ASGNetHead(**settings).eval(), naive.NaiveASGNetHead(**settings).eval()
    oracle.load_state_dict(ours.state_dict())
    shots = len(radii)
    query = tuple(torch.randn(2, 2, c, 13, 13) for c in (6, 5))
    support = tuple(torch.randn(2, 1, shots, c, 13, 13) for c in (6, 5))
    masks = torch.stack([_disc(radius) for radius in radii]).long().expand(2, 1, -1, -1, -1)
    state, naive_state = ours.prototypes(support, masks), oracle.prototypes(support, masks)
    for prototypes, valid, expected in zip(
        state.prototypes[:, 0], state.valid[:, 0], naive_state, strict=True
    ):
        torch.testing.assert_close(prototypes[valid], expected, rtol=1e-4, atol=1e-5)
    assert len(naive_state[0]) == sum(5 if radius >= 30 else 1 for radius in radii)
    scores, expected = ours.scores(query, state), oracle.scores(query, naive_state)
    assert scores.shape == (2, 2, 2, 13, 13)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('shots', [1, 5])
def test_both_sides_of_the_clustering_compute_the_same(asgnet, shots) -> None:
    prototypes, allocation, similarity = asgnet.sgc_gpa('ours', 'cpu', True, shots)()
    (inputs,) = asgnet.sgc_gpa('peer', 'cpu', True, shots)()
    channels = asgnet.CHANNELS
    assert inputs.shape == (4, 2 * channels + 1, 13, 13)
    assert allocation.shape == (4, 1, 5 * shots, 13, 13)
    guide = torch.einsum('mpc,mpyx->mcyx', prototypes[:, 0], allocation[:, 0])
    torch.testing.assert_close(guide, inputs[:, channels:-1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(similarity[:, 0], inputs[:, -1:], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('convolutions', [True, False])
def test_both_sides_of_the_head_compute_the_same(asgnet, convolutions) -> None:
    ours, peer = (
        asgnet.head_forward(side, 'cpu', True, 1, convolutions)() for side in ('ours', 'peer')
    )
    assert ours.shape == (1, 1, 2, 161, 161)
    torch.testing.assert_close(ours, peer, rtol=1e-3, atol=1e-3)


def test_without_convolutions_none_is_left(asgnet) -> None:
    head = ASGNetHead(in_channels=(6, 5), channels=8)
    asgnet.skip_convolutions(head)
    modules = list(head.modules())
    assert not any(isinstance(module, torch.nn.Conv2d) for module in modules)
    assert sum(isinstance(module, asgnet.Skipped) for module in modules) > 20
