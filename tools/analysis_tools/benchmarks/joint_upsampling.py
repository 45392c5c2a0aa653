"""What joint pyramid upsampling is for: ResNet-50 without dilation and the neck, 2048 channels at
stride 8. The peer is the dilated ResNet-50, which gives as many there; it computes something else.
"""

from collections.abc import Callable

import torch
from mmseg.models.backbones import ResNet
from torch import Tensor

from mmfewshot_seg.models.semseg import JointPyramidUpsampling


def features(side: str, device: str, tiny: bool) -> Callable[[], Tensor]:
    """The last features of one image."""
    torch.manual_seed(0)
    size = 33 if tiny else 513
    image = torch.randn(1, 3, size, size, device=device)
    if side == 'peer':
        dilated = dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
        backbone = ResNet(50, out_indices=(3,), **dilated).to(device)
        backbone.eval()  # by itself: mmseg's returns None
        return torch.no_grad()(lambda: backbone(image)[-1])
    backbone = ResNet(50, out_indices=(1, 2, 3)).to(device)
    neck = JointPyramidUpsampling(out='fused').eval().to(device)
    backbone.eval()
    return torch.no_grad()(lambda: neck(backbone(image))[-1])
