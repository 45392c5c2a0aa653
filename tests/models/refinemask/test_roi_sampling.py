"""RoIs cut out of a map: against mmcv, whatever the layout, the dtype and the order."""

import pytest
import torch
from mmcv.ops import RoIAlign, SimpleRoIAlign

from mmfewshot_seg.models.refinemask import roi_sampling
from mmfewshot_seg.models.refinemask.roi_sampling import align_rois, sample_rois

ROIS = torch.tensor(
    [[0, 1, 2, 20.5, 18], [0, -8, 3, 9, 50], [1, 5, 5, 5.5, 6], [2, 0, 0, 48, 40]],
    dtype=torch.float32,
)
FUNCTIONS = [align_rois, sample_rois]


@pytest.fixture
def features() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(3, 5, 10, 12)


def test_aligned_as_mmcv(features) -> None:
    expected = RoIAlign(7, 0.25, sampling_ratio=0, aligned=True)(features, ROIS)
    torch.testing.assert_close(align_rois(features, ROIS, 7, 4), expected)


def test_sampled_as_mmcv(features) -> None:
    expected = SimpleRoIAlign(7, 0.25)(features, ROIS)
    torch.testing.assert_close(sample_rois(features, ROIS, 7, 4), expected)


@pytest.mark.parametrize('function', FUNCTIONS)
def test_order_of_the_rois_does_not_matter(function, features) -> None:
    order = torch.tensor([2, 0, 3, 1])
    expected = function(features, ROIS, 4, 4)[order]
    torch.testing.assert_close(function(features, ROIS[order], 4, 4), expected)


@pytest.mark.parametrize('function', FUNCTIONS)
def test_any_memory_layout(function, features) -> None:
    expected = function(features, ROIS, 4, 4)
    channels_last = features.to(memory_format=torch.channels_last)
    torch.testing.assert_close(function(channels_last, ROIS, 4, 4), expected)
    half = torch.cat([features, features], dim=1)[:, :5]
    torch.testing.assert_close(function(half, ROIS, 4, 4), expected)


@pytest.mark.parametrize('function', FUNCTIONS)
def test_half_precision_does_not_move_rois(function) -> None:
    """Beyond 1024 px a bfloat16 coordinate is a multiple of 8."""
    ramp = torch.arange(512.0).expand(1, 1, 8, 512).to(torch.bfloat16)
    roi = torch.tensor([[0, 1026, 4, 1030, 8.0]])
    found = function(ramp, roi, 1, 4)
    assert found.dtype == torch.bfloat16
    assert found.float().item() == pytest.approx(1028 / 4 - 0.5, abs=1.01)


@pytest.mark.parametrize('function', FUNCTIONS)
def test_without_rois_the_graph_is_kept(function, features) -> None:
    features.requires_grad_()
    found = function(features, ROIS[:0], 4, 4)
    assert found.shape == (0, 5, 4, 4)
    found.sum().backward()
    assert not features.grad.any()


def test_aligned_the_same_in_graphs(features, monkeypatch) -> None:
    """By torchvision's operator: graphs hold no function of MMCV."""
    expected = align_rois(features, ROIS, 7, 4)
    monkeypatch.setattr(roi_sampling, 'is_recorded', lambda: True)
    monkeypatch.setattr(roi_sampling, 'roi_align', None)
    torch.testing.assert_close(align_rois(features, ROIS, 7, 4), expected)


def test_single_image_is_sampled_as_one_of_several(features) -> None:
    rois = ROIS[:2]
    expected = sample_rois(features, torch.cat([rois, ROIS[2:]]), 4, 4)[:2]
    torch.testing.assert_close(sample_rois(features[:1], rois, 4, 4), expected)
