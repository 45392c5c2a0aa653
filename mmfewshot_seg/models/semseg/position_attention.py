"""Position attention of DANet."""

import torch
from mmcv.cnn import Scale
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.rowwise_attention import position_attention


class PositionAttention(nn.Module):
    """Adds to each position the values of all others, weighted by likeness.

    Memory is linear in the number of positions, in training too. Parameters are named as in
    mmseg's ``DAHead``.

    Args:
        channels: Channels of the features.
        qk_channels: Channels of queries and keys.

    Source: DANet (Fu et al., CVPR 2019), section 3.2. The products are not scaled.
    """

    def __init__(self, channels: int, qk_channels: int) -> None:
        super().__init__()
        self.query_project = nn.Conv2d(channels, qk_channels, 1)
        self.key_project = nn.Conv2d(channels, qk_channels, 1)
        self.value_project = nn.Conv2d(channels, channels, 1)
        self.gamma = Scale(0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape.

        The weights of a position sum to one, so that values may be projected, bias and all, after
        they are summed up; the projected values then need no memory of their own.
        """
        query, key = self.query_project(x).flatten(2), self.key_project(x).flatten(2)
        attended = position_attention(query, key, x.flatten(2)).view_as(x)
        return torch.addcmul(x, self.gamma.scale, self.value_project(attended))
