"""Pooling under a mask equals pooling enlarged features; hand-computed means."""

import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.models.fewshot.masked_pooling import (
    masked_average,
    resized_mask,
    transposed_bilinear,
)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(53, 53), (7, 12), (1, 3)])
def test_transposed_bilinear_pools_as_enlarged_features(size, align_corners) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 5, *size, dtype=torch.float64)
    mask = (torch.rand(2, 61, 40) > 0.6).double()
    enlarged = F.interpolate(features, (61, 40), mode='bilinear', align_corners=align_corners)
    expected = (enlarged * mask[:, None]).sum((2, 3))
    weights = transposed_bilinear(mask, size, align_corners)
    torch.testing.assert_close((features * weights[:, None]).sum((2, 3)), expected)
    torch.testing.assert_close(weights.sum((1, 2)), mask.sum((1, 2)))


def test_transposed_bilinear_of_a_mask_smaller_than_the_features() -> None:
    features = torch.randn(1, 3, 9, 9, dtype=torch.float64)
    mask = torch.ones(1, 4, 4, dtype=torch.float64)
    reduced = F.interpolate(features, (4, 4), mode='bilinear')
    weights = transposed_bilinear(mask, (9, 9), align_corners=False)
    torch.testing.assert_close((features * weights).sum((2, 3)), reduced.sum((2, 3)))


def test_resized_mask_takes_corners() -> None:
    mask = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    expected = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    torch.testing.assert_close(resized_mask(mask, (2, 2), align_corners=True), expected)


def test_masked_average_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[10.0, 0.0], [0.0, 0.0]]]])
    weights = torch.zeros(2, 2, 2, 2)
    weights[0, 0] = torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    weights[0, 1, 0, 0] = 1
    means = masked_average(features, weights, eps=0.5)
    torch.testing.assert_close(means, torch.tensor([[16 / 3.5], [0.0]]))
