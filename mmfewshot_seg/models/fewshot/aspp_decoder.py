"""The other decoder of ASGNet: ASPP and features of stride 4.

Shape letters: ``M`` queries, ``N`` ways, ``P`` prototypes of a way, ``C`` channels, ``h w`` size.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.models.fewshot.feature_enrichment import classifier
from mmfewshot_seg.models.fewshot.guided_conv import GuidedConv
from mmfewshot_seg.registry import MODELS, register


def _branch(in_channels: int, channels: int, kernel_size: int = 1, dilation: int = 1):
    padding = dilation * (kernel_size // 2)
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel_size, padding=padding, dilation=dilation),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.5),
    )


class RectifiedResidual(nn.Module):
    """``relu(x) + branch(relu(x))``: the published block rectifies its identity path too."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        x = x.relu()
        return x + self.branch(x)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling with a global branch, biases and dropout, no norms."""

    def __init__(self, channels: int, dilations: Sequence[int] = (6, 12, 18)) -> None:
        super().__init__()
        self.image_pool = _branch(channels, channels)
        self.branches = nn.ModuleList(
            [_branch(channels, channels)]
            + [_branch(channels, channels, 3, dilation) for dilation in dilations]
        )
        self.bottleneck = _branch((2 + len(dilations)) * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        pooled = self.image_pool(x.mean((2, 3), keepdim=True)).expand_as(x)
        return self.bottleneck(torch.cat([pooled, *(b(x) for b in self.branches)], dim=1))


@register(MODELS, host='mmseg')
class ASPPDecoder(BaseModule):
    """ASPP, then a decoder in the manner of DeepLabV3+ (``pyramid: False`` of the official code).

    Args:
        channels: C.
        low_level_index: Which level of the backbone joins at the end.
        low_level_channels: Its channels.
        align_corners: Whether everything is resized with aligned corners.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        channels: int = 256,
        low_level_index: int = 0,
        low_level_channels: int = 256,
        align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.low_level_index = low_level_index
        self.align_corners = align_corners
        self.merge = GuidedConv(channels, channels, 3)
        self.dropout = nn.Dropout2d(0.5)
        self.residuals = nn.Sequential(*(RectifiedResidual(channels) for _ in range(3)))
        self.aspp = ASPP(channels)
        self.low_level = nn.Sequential(
            nn.Conv2d(low_level_channels, 64, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.join = nn.Sequential(
            nn.Conv2d(channels + 64, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.auxiliary = classifier(channels)
        self.classify = classifier(channels)

    def forward(
        self,
        query: Tensor,
        prototypes: Tensor,
        allocation: Tensor,
        similarity: Tensor,
        *levels: Tensor,
    ) -> tuple[Tensor, ...]:
        """Decode; tensors are arguments of their own, see :class:`FeatureEnrichment`.

        Args:
            query: (M, C, h, w).
            prototypes: (M, N, P, C).
            allocation: (M, N, P, h, w), one-hot: which prototype guides a position.
            similarity: (M, N, 1, h, w).
            *levels: Levels of the backbone, each (M, C', h', w').

        Returns:
            Logits (M * N, 2, h', w') at the size of the low level, background first, and, in
            training, auxiliary ones, (M * N, 2, h, w).
        """
        x = self.dropout(self.merge(query, prototypes, allocation, similarity).relu())
        x = self.aspp(self.residuals(x))
        low = self.low_level(levels[self.low_level_index])
        low = low.repeat_interleave(prototypes.shape[1], dim=0)
        large = F.interpolate(x, low.shape[-2:], mode='bilinear', align_corners=self.align_corners)
        auxiliary = [self.auxiliary(x)] if self.training else []
        return self.classify(self.join(torch.cat([large, low], dim=1))), *auxiliary
