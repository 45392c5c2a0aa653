"""Atrous spatial pyramid pooling that also sees an edge map."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.norms import norm_cfg_of_width
from mmfewshot_seg.models.semseg.shape_stream import enlarge


class EdgeASPP(BaseModule):
    """Branches of the whole image, of the edge and of every dilation rate, concatenated.

    Every branch is a convolution with norm and activation.

    Args:
        in_channels: Channels of the features.
        channels: Channels of each branch.
        dilations: Rates; 1 is a 1x1 convolution.
        norm_cfg: Config of the norms, see :func:`norm_cfg_of_width`.
        conv_cfg: Config of the convolutions; those of PyTorch by default.
        act_cfg: Config of the activation, None for none.
        init_cfg: See ``BaseModule``.

    Source: section 3.2 of Gated-SCNN (Takikawa et al., ICCV 2019); DeepLabV3+.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        dilations: Sequence[int] = (1, 12, 24, 36),
        norm_cfg: dict | None = None,
        conv_cfg: dict | None = None,
        act_cfg: dict | None = dict(type='ReLU'),  # noqa: B006
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        layer = dict(
            norm_cfg=norm_cfg_of_width(norm_cfg, channels), conv_cfg=conv_cfg, act_cfg=act_cfg
        )
        pooled = dict(layer, norm_cfg=norm_cfg_of_width(norm_cfg, channels, pooled=True))
        self.image = ConvModule(in_channels, channels, 1, **pooled)
        self.edge = ConvModule(1, channels, 1, **layer)
        self.branches = nn.ModuleList()
        for rate in dilations:
            kernel, padding = (1, 0) if rate == 1 else (3, rate)
            self.branches.append(
                ConvModule(in_channels, channels, kernel, padding=padding, dilation=rate, **layer)
            )
        self.out_channels = channels * (2 + len(self.branches))

    def forward(self, features: Tensor, edge: Tensor) -> Tensor:
        """Context of every position.

        Args:
            features: (B, C, H, W).
            edge: (B, 1, H', W') in [0, 1], of any size.

        Returns:
            (B, out_channels, H, W), in the order image, edge, rates.
        """
        size = features.shape[-2:]
        image = self.image(F.adaptive_avg_pool2d(features, 1)).expand(-1, -1, *size)
        edge = self.edge(enlarge(edge, size))
        return torch.cat([image, edge, *(branch(features) for branch in self.branches)], dim=1)
