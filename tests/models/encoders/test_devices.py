"""Encoders of timm on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import pytest
import torch
from helpers.mixed_precision import each_precision, largest_difference
from helpers.pretended_cuda import same_on_cuda

from mmfewshot_seg.registry import MODELS

pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')

CONVOLUTIONAL = dict(
    model_name='test_efficientnet', out_indices=(1, 2, 3, 4), output_stride=16, frozen_stages=1
)
TRANSFORMER = dict(
    model_name='vit_tiny_patch16_224',
    patch_size=8,
    img_size=32,
    embed_dim=16,
    depth=2,
    num_heads=2,
    out_indices=(0, 1),
)
each_network = pytest.mark.parametrize(
    'network', [CONVOLUTIONAL, TRANSFORMER], ids=['convolutional', 'transformer']
)
each_mode = pytest.mark.parametrize('training', [False, True])


def _levels(network: dict, device: str, training: bool) -> tuple[torch.Tensor, ...]:
    """Of an image of odd size."""
    torch.manual_seed(0)
    encoder = MODELS.build(dict(type='mmfewshot_seg.TimmEncoder', **network))
    return encoder.train(training).to(device)(torch.randn(2, 3, 45, 62).to(device))


@each_network
@each_mode
def test_levels(network, training) -> None:
    waits = same_on_cuda(lambda device: _levels(network, device, training), rtol=1e-4, atol=1e-4)
    assert not any('mmfewshot_seg' in line for line in waits)


@each_network
@each_precision
def test_mixed_precision(network, device, dtype) -> None:
    found = largest_difference(lambda device: _levels(network, device, False), device, dtype)
    print(found)
    assert found < 0.05
