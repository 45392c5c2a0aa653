"""Allocation: hand-computed cosines, ties, unused places."""

import torch

from mmfewshot_seg.models.fewshot.prototype_allocation import allocate


def _allocate(vectors, prototypes, valid=None, **kwargs):
    """One query with the given vectors side by side, one way."""
    features = torch.tensor(vectors).T[None, :, None]
    prototypes = torch.tensor(prototypes)[None, None]
    valid = torch.ones(prototypes.shape[:3]) if valid is None else torch.tensor([[valid]])
    similarity, guide = allocate(features, prototypes, valid.bool(), **kwargs)
    return similarity[0, 0, 0, 0], guide[0, 0, 0]


def test_sum_of_cosines_and_most_similar() -> None:
    vectors = [[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]]
    prototypes = [[1.0, 0.0], [0.0, 5.0]]
    similarity, guide = _allocate(vectors, prototypes)
    torch.testing.assert_close(similarity, torch.tensor([0.6 + 0.8, 1.0, 0.0]))
    assert guide.tolist() == [1, 1, 0]  # a tie goes to the first
    mean, _ = _allocate(vectors, prototypes, similarity='mean')
    torch.testing.assert_close(mean, similarity / 2)


def test_unused_places_neither_count_nor_guide() -> None:
    prototypes = [[9.0, 9.0], [-1.0, 0.0], [0.0, 0.0]]
    for kind in ('sum', 'mean'):
        similarity, guide = _allocate(
            [[1.0, 1.0]], prototypes, [False, True, False], similarity=kind
        )
        torch.testing.assert_close(similarity, torch.tensor([-(0.5**0.5)]))
        assert guide.tolist() == [1]


def test_similarity_has_a_gradient_in_the_query() -> None:
    features = torch.randn(2, 3, 4, 5, requires_grad=True)
    similarity, guide = allocate(
        features, torch.randn(2, 2, 3, 3), torch.ones(2, 2, 3, dtype=torch.bool)
    )
    assert similarity.shape == (2, 2, 1, 4, 5) and guide.shape == (2, 2, 4, 5)
    similarity.sum().backward()
    assert features.grad.abs().sum() > 0
