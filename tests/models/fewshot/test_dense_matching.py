"""Dense matching and fused levels against the formulas, position by position."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.models.fewshot import dense_matching
from mmfewshot_seg.models.fewshot.dense_matching import matching_scores
from mmfewshot_seg.models.fewshot.level_fusion import fuse_levels


def case(images=2, positions=11, classes=3):
    torch.manual_seed(0)
    query = F.normalize(torch.randn(2, images, 6, 3, 4), dim=2)
    support = F.normalize(torch.randn(2, positions, 6), dim=-1)
    return query, support, torch.rand(2, classes, positions)


def naive(query, support, weights, temperature, area_power):
    """The docstring's formula in loops over everything, in float64."""
    scores = torch.zeros(*query.shape[:2], weights.shape[1], *query.shape[-2:], dtype=torch.float64)
    for group, image, name, row, column in torch.cartesian_prod(
        *(torch.arange(n) for n in scores.shape)
    ):
        q = query[group, image, :, row, column].double()
        share = weights[group, name].double()
        terms = [
            math.exp(q.dot(s.double()) / temperature) * float(m)
            for s, m in zip(support[group], share, strict=True)
        ]
        scores[group, image, name, row, column] = math.log(sum(terms)) - area_power * math.log(
            share.sum()
        )
    return scores


@pytest.mark.parametrize('temperature', [0.025, 0.05, 1.0])
@pytest.mark.parametrize('area_power', [0.0, 0.5, 1.0])
def test_formula(temperature, area_power) -> None:
    arguments = (*case(), temperature, area_power)
    torch.testing.assert_close(
        matching_scores(*arguments).double(), naive(*arguments), rtol=1e-5, atol=1e-4
    )


def test_two_positions_by_hand() -> None:
    query = torch.tensor([1.0, 0.0]).view(1, 1, 2, 1, 1)
    support = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    weights = torch.tensor([[[0.0, 4.0], [1.0, 0.0]]])
    background, foreground = matching_scores(query, support, weights, 0.1).flatten().tolist()
    assert background == pytest.approx(math.log(4) - math.log(4) / 2, abs=1e-5)
    assert foreground == pytest.approx(10, abs=1e-5)


def test_chunks_change_nothing(monkeypatch) -> None:
    arguments = (*case(), 0.05)
    expected = matching_scores(*arguments)
    monkeypatch.setattr(dense_matching, 'CHUNK', 4)
    torch.testing.assert_close(matching_scores(*arguments), expected)


def test_graphs_have_no_chunks_whose_number_they_would_keep(monkeypatch) -> None:
    expected = matching_scores(*case(), 0.05)
    monkeypatch.setattr(dense_matching, 'CHUNK', None)
    monkeypatch.setattr(dense_matching, 'is_recorded', lambda: True)
    torch.testing.assert_close(matching_scores(*case(), 0.05), expected)


@pytest.mark.parametrize('area_power', [0.0, 0.5, 1.0])
def test_a_class_without_positions_never_wins(area_power) -> None:
    query, support, weights = case()
    weights[:, 1] = 0
    scores = matching_scores(-support[:, :1, :, None, None], support, weights, 0.025, area_power)
    assert scores.isfinite().all()
    assert not (scores.argmax(2) == 1).any()
    scores = matching_scores(query, support, weights, 0.05, area_power)
    assert not (scores.argmax(2) == 1).any()


def test_twice_the_same_supports_with_all_of_the_area_taken_away_change_nothing() -> None:
    query, support, weights = case()
    twice = (query, torch.cat([support] * 2, 1), torch.cat([weights] * 2, 2))
    torch.testing.assert_close(
        matching_scores(*twice, 0.05, 1.0), matching_scores(query, support, weights, 0.05, 1.0)
    )


def test_gradient_reaches_queries_and_supports() -> None:
    query, support, weights = case()
    query.requires_grad_()
    support.requires_grad_()
    matching_scores(query, support, weights, 0.05).diff(dim=2).sum().backward()
    assert query.grad.abs().sum() > 0 and support.grad.abs().sum() > 0


def test_fused_levels_give_the_mean_of_the_cosines() -> None:
    torch.manual_seed(0)
    levels = [torch.randn(2, 3, 4, 5, 6), torch.randn(2, 3, 7, 5, 6)]
    fused = fuse_levels(levels, (0, 1))
    assert fused.shape == (2, 3, 11, 5, 6)
    product = (fused[0, 0, :, 1, 2] * fused[1, 2, :, 3, 4]).sum()
    cosines = [F.cosine_similarity(x[0, 0, :, 1, 2], x[1, 2, :, 3, 4], dim=0) for x in levels]
    torch.testing.assert_close(product, torch.stack(cosines).mean())


def test_smaller_levels_are_enlarged_to_the_largest() -> None:
    levels = [torch.rand(1, 1, 2, 8, 8), torch.rand(1, 1, 3, 4, 4)]
    fused = fuse_levels(levels, (-1, -2))
    assert fused.shape == (1, 1, 5, 8, 8)
    torch.testing.assert_close(fused.norm(dim=2), torch.ones(1, 1, 8, 8))


def test_one_level_is_normalised() -> None:
    level = torch.rand(1, 2, 3, 2, 2)
    torch.testing.assert_close(fuse_levels([level], 0), F.normalize(level, dim=2))


@pytest.mark.parametrize('in_index', [2, -3, (0, 5), ()])
def test_levels_that_are_not_there(in_index) -> None:
    with pytest.raises(ValueError, match='the encoder gives 2 levels'):
        fuse_levels([torch.rand(1, 1, 2, 2, 2)] * 2, in_index)
