"""Channel attention of DANet."""

import torch
from mmcv.cnn import Scale
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Adds to each channel all channels, the least similar ones weighing most.

    It is computed in float32 at least, under autocast too: the products are sums over positions,
    which half precision cannot hold.

    Source: DANet (Fu et al., CVPR 2019), section 3.3; github.com/junfu1115/DANet (MIT) for the sign
        of the products.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = Scale(0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        with torch.autocast(x.device.type, enabled=False):
            channels = x.flatten(2).to(torch.promote_types(x.dtype, torch.float32))
            attention = torch.softmax(-(channels @ channels.transpose(1, 2)), dim=-1)
            attended = (attention @ channels).view_as(x).to(x.dtype)
        return torch.addcmul(x, self.gamma.scale, attended)
