"""Clustering: hand-computed steps, the naive formulation in float64, batches, NaN-safety."""

import pytest
import torch

from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering


def _naive(features, mask, seeds, iterations):
    """One support, by the text: exp of minus the distance, normalised over positions."""
    rows, columns = mask.nonzero(as_tuple=True)
    positions = torch.stack([rows, columns], 1).double()
    inside = features.double()[:, rows, columns].T
    centres = features.double()[:, seeds[:, 0], seeds[:, 1]].T
    places = seeds.double()
    for _ in range(iterations):
        in_features = (inside[:, None] - centres).square().sum(-1)
        in_pixels = (positions[:, None] - places).square().sum(-1)
        weights = (-(in_features + in_pixels / 100).sqrt()).exp()
        weights = weights / weights.sum(0)
        centres, places = weights.T @ inside, weights.T @ positions
    return centres


def _case(supports=3, channels=6, size=(9, 11), scale=1.0):
    generator = torch.Generator().manual_seed(0)
    features = scale * torch.randn(supports, channels, *size, generator=generator)
    masks = torch.rand(supports, *size, generator=generator) > 0.4
    seeds = torch.stack([torch.randint(side, (supports, 4), generator=generator) for side in size])
    return features, masks, seeds.permute(1, 2, 0)


@pytest.mark.parametrize('iterations', [1, 2, 10])
@pytest.mark.parametrize('scale', [0.1, 1.0, 20.0])
def test_equals_the_naive_formulation_in_float64(iterations, scale) -> None:
    features, masks, seeds = _case(scale=scale)
    centres, _ = superpixel_clustering(features, masks, seeds, iterations)
    for m in range(len(features)):
        expected = _naive(features[m], masks[m], seeds[m], iterations)
        error = (centres[m] - expected).abs().max() / expected.abs().max()
        assert error < 5e-6


def test_one_step_by_hand() -> None:
    # Two positions, 0.3 apart in the feature and one pixel in the plane.
    features = torch.tensor([[[[1.0, 1.3]]]])
    masks = torch.ones(1, 1, 2, dtype=torch.bool)
    centres, nearest = superpixel_clustering(features, masks, torch.tensor([[[0, 0]]]), 1)
    far = torch.tensor(-((0.09 + 0.01) ** 0.5)).exp()
    torch.testing.assert_close(centres[0, 0, 0], (1.0 + 1.3 * far) / (1 + far))
    assert nearest.tolist() == [[[0, 0]]]


def test_batch_equals_its_rows_and_unused_seeds_change_nothing() -> None:
    features, masks, seeds = _case()
    seeds[1, 2:] = -1
    centres, nearest = superpixel_clustering(features, masks, seeds, 5)
    for m, count in enumerate([4, 2, 4]):
        alone, alone_nearest = superpixel_clustering(
            features[[m]], masks[[m]], seeds[[m], :count], 5
        )
        torch.testing.assert_close(centres[m, :count], alone[0])
        assert torch.equal(nearest[m], alone_nearest[0])


def test_distances_that_underflow_and_empty_masks_stay_finite() -> None:
    features, masks, seeds = _case(scale=1000.0)
    masks[0] = False
    centres, _ = superpixel_clustering(features, masks, seeds, 5)
    assert centres.isfinite().all()


def test_nearest_follows_the_features() -> None:
    features = torch.zeros(1, 1, 4, 4)
    features[..., 2:] = 10
    everywhere = torch.ones(1, 4, 4, dtype=torch.bool)
    seeds = torch.tensor([[[1, 0], [1, 3]]])
    centres, nearest = superpixel_clustering(features, everywhere, seeds, 5)
    assert nearest[0, 0].tolist() == [0, 0, 1, 1]
    assert centres[0, 0, 0] < 0.01 and centres[0, 1, 0] > 9.99


def test_number_of_iterations_is_checked() -> None:
    with pytest.raises(ValueError, match='at least 1, got 0'):
        superpixel_clustering(*_case(), 0)
