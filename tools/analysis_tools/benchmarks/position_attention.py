"""Position attention of DANet at its published width: 512 channels, queries and keys of 64.

The peer is what mmseg's ``DAHead`` uses, with our weights. Inputs are random and the same for both.
"""

from collections.abc import Callable

import torch
from mmseg.models.decode_heads import DAHead
from torch import Tensor, nn

from mmfewshot_seg.models.semseg import PositionAttention

CHANNELS = 512
TINY = (17, 19)


def forward(side: str, device: str, tiny: bool, size: tuple[int, int]) -> Callable[[], Tensor]:
    """Output, projections and residual included."""
    module, features = _module(side, device), _features(device, TINY if tiny else size)
    return torch.no_grad()(lambda: module(features))


def training(side: str, device: str, tiny: bool, size: tuple[int, int]) -> Callable[[], Tensor]:
    """Forward and gradients of input and parameters; gives the gradient of the input."""
    module, features = _module(side, device), _features(device, TINY if tiny else size)
    features.requires_grad_()
    gradient = torch.ones_like(features)

    def call() -> Tensor:
        module.zero_grad()
        features.grad = None
        module(features).backward(gradient)
        return features.grad

    return call


def _module(side: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    module = PositionAttention(CHANNELS, CHANNELS // 8)
    nn.init.constant_(module.gamma.scale, 0.5)
    if side == 'peer':
        peer = DAHead(CHANNELS // 8, in_channels=8, channels=CHANNELS, num_classes=8).pam
        peer.load_state_dict(module.state_dict())
        module = peer
    return module.to(device)


def _features(device: str, size: tuple[int, int]) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(1, CHANNELS, *size, device=device)
