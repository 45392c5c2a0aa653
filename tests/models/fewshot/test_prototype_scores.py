"""Scores against PyTorch's own formulation."""

import torch
import torch.nn.functional as F

from mmfewshot_seg.models.fewshot.prototype_scores import (
    cosine_scores,
    negative_squared_distances,
)


def _inputs():
    torch.manual_seed(0)
    features = torch.randn(2, 3, 8, 4, 5, dtype=torch.float64)
    prototypes = torch.randn(2, 4, 8, dtype=torch.float64)
    prototypes[1, 2] = 0
    return features, prototypes


def test_cosine_equals_cosine_similarity_and_is_zero_at_a_zero_prototype() -> None:
    features, prototypes = _inputs()
    expected = F.cosine_similarity(
        features[:, :, None], prototypes[:, None, :, :, None, None], dim=3, eps=1e-8
    )
    scores = cosine_scores(features, prototypes)
    torch.testing.assert_close(scores, expected)
    assert (scores[1, :, 2] == 0).all()


def test_distances_equal_the_naive_form() -> None:
    features, prototypes = _inputs()
    expected = -(features[:, :, None] - prototypes[:, None, :, :, None, None]).square().sum(3)
    torch.testing.assert_close(negative_squared_distances(features, prototypes), expected)


def test_gradient_is_finite_at_zero_vectors() -> None:
    features = torch.zeros(1, 1, 3, 2, 2, requires_grad=True)
    prototypes = torch.zeros(1, 2, 3, requires_grad=True)
    cosine_scores(features, prototypes).sum().backward()
    assert features.grad.isfinite().all() and prototypes.grad.isfinite().all()
