"""The gate: its formula, folded and in chunks, in training and outside it."""

import pytest
import torch

from mmfewshot_seg.models.semseg import GatedConv, gated_conv


def _gate(channels: int = 5) -> GatedConv:
    torch.manual_seed(0)
    gate = GatedConv(channels)
    for norm in (gate.norm_in, gate.norm_out):
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            torch.nn.init.uniform_(values, 0.5, 1.5)
    return gate


def _reference(gate: GatedConv, features: torch.Tensor, gating: torch.Tensor) -> torch.Tensor:
    """As the paper has it: gated features, then their convolution."""
    x = gate.norm_in(torch.cat([features, gating], dim=1))
    alpha = gate.norm_out(gate.attend(gate.reduce(x).relu())).sigmoid()
    return gate.conv(features * alpha + features)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('numbers', [1, 80, 2**17])
def test_same_numbers_and_gradients_as_the_formula(training, numbers, monkeypatch) -> None:
    monkeypatch.setattr(gated_conv, 'CACHED_NUMBERS', numbers)
    found = []
    for compute in (GatedConv.__call__, _reference):
        gate = _gate().train(training)
        inputs = [torch.randn(2, c, 6, 7, generator=torch.manual_seed(c)) for c in (5, 1)]
        for value in inputs:
            value.requires_grad_()
        output = compute(gate, *inputs)
        output.square().sum().backward()
        gradients = [value.grad for value in (*inputs, *gate.parameters())]
        found.append([output, *gradients, *gate.buffers()])
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)


def test_statistics_of_the_norms_are_kept_in_training() -> None:
    gate = _gate()
    features, gating = torch.full((2, 5, 3, 3), 2.0), torch.full((2, 1, 3, 3), 7.0)
    gate.train()(features, gating)
    before = _gate().norm_in.running_mean
    expected = 0.9 * before + 0.1 * torch.tensor([2.0] * 5 + [7.0])
    torch.testing.assert_close(gate.norm_in.running_mean, expected)


def test_closed_and_open_gates_scale_by_one_and_two() -> None:
    gate, features = _gate().eval(), torch.randn(1, 5, 4, 4)
    for bias, factor in ((-100, 1), (100, 2)):
        torch.nn.init.constant_(gate.norm_out.bias, bias)
        torch.testing.assert_close(
            gate(features, torch.zeros(1, 1, 4, 4)), factor * gate.conv(features)
        )


@pytest.mark.parametrize(
    'norm_cfg',
    [dict(type='GN', num_groups=32), dict(type='BN', track_running_stats=False), dict(type='IN')],
)
def test_norms_that_are_no_fixed_scale_are_computed_as_they_are(norm_cfg) -> None:
    """On a single image as well, where batch norm of one gate has enough positions."""
    gate = GatedConv(15, norm_cfg)
    features, gating = torch.randn(1, 15, 6, 7), torch.randn(1, 1, 6, 7)
    expected = _reference(gate.train(), features, gating)
    for training in (True, False):
        torch.testing.assert_close(gate.train(training)(features, gating), expected)


def test_groups_divide_the_channels() -> None:
    gate = GatedConv(15, dict(type='GN', num_groups=32))
    assert (gate.norm_in.num_groups, gate.norm_out.num_groups) == (16, 1)
