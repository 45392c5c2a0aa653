"""Decoder of PFENet and ASGNet: the query meets its guide at several scales.

Shape letters: ``M`` queries, ``N`` ways, ``P`` prototypes of a way, ``C`` channels, ``h w`` size.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.models.fewshot.guided_conv import GuidedConv
from mmfewshot_seg.registry import MODELS, register


def rectified_conv(in_channels: int, out_channels: int, kernel_size: int) -> list[nn.Module]:
    """Layers of a convolution without bias that keeps the size, and a ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
    return [conv, nn.ReLU(inplace=True)]


def classifier(channels: int, dropout: float = 0.1) -> nn.Sequential:
    """Two classes, background and foreground, from ``channels`` channels."""
    return nn.Sequential(
        *rectified_conv(channels, channels, 3), nn.Dropout2d(dropout), nn.Conv2d(channels, 2, 1)
    )


@register(MODELS, host='mmseg')
class FeatureEnrichment(BaseModule):
    """Feature enrichment without PFENet's prior map.

    Pooling the guide is pooling the share of each prototype, so only these are pooled.

    Args:
        channels: C.
        scales: Sides of the pooled maps, which are square: integers in positions, or fractions of
            the feature's height, rounded down but at least one position. A side larger than the
            feature repeats positions.
        align_corners: Whether everything is resized with aligned corners.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: If a scale is neither a positive integer nor a fraction from 0 to 1.

    Source: ASGNet (Li et al., CVPR 2021), section 3.4; PFENet (Tian et al., TPAMI 2020).
    """

    def __init__(
        self,
        channels: int = 256,
        scales: Sequence[int | float] = (1.0, 0.5, 0.25, 0.125),
        align_corners: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for scale in scales:
            if not (0 < scale <= 1 if isinstance(scale, float) else scale >= 1):
                raise ValueError(
                    'FeatureEnrichment: a scale is a positive integer (positions) or a float above '
                    f'0 and at most 1.0 (fraction of the feature), got {scale!r} in {scales}'
                )
        self.scales = tuple(scales)
        self.align_corners = align_corners
        self.merge = nn.ModuleList(GuidedConv(channels, channels) for _ in scales)
        self.top_down = nn.ModuleList(
            nn.Sequential(*rectified_conv(2 * channels, channels, 1)) for _ in scales[1:]
        )
        self.refine = nn.ModuleList(self._residual(channels) for _ in scales)
        self.auxiliary = nn.ModuleList(classifier(channels) for _ in scales)
        self.fuse = nn.Sequential(*rectified_conv(len(scales) * channels, channels, 1))
        self.refine_fused = self._residual(channels)
        self.classify = classifier(channels)

    @staticmethod
    def _residual(channels: int) -> nn.Sequential:
        return nn.Sequential(
            *rectified_conv(channels, channels, 3), *rectified_conv(channels, channels, 3)
        )

    def forward(
        self,
        query: Tensor,
        prototypes: Tensor,
        allocation: Tensor,
        similarity: Tensor,
        *levels: Tensor,
    ) -> tuple[Tensor, ...]:
        """Decode.

        Tensors are arguments and results of their own, for PyTorch's activation checkpointing sees
        no others.

        Args:
            query: (M, C, h, w).
            prototypes: (M, N, P, C).
            allocation: (M, N, P, h, w), one-hot: which prototype guides a position.
            similarity: (M, N, 1, h, w).
            *levels: Not used.

        Returns:
            Logits (M * N, 2, h, w), background first, and auxiliary ones, (M * N, 2, s, s) for
            each scale; the latter only in training.
        """
        size, enlarged, auxiliary = query.shape[-2:], [], []
        for i, scale in enumerate(self.scales):
            side = max(int(scale * size[0]), 1) if isinstance(scale, float) else scale
            pooled = F.adaptive_avg_pool2d(query, side)
            share = F.adaptive_avg_pool2d(allocation.flatten(0, 1), side)
            similar = self._resize(similarity.flatten(0, 1), (side, side))
            ways = similarity.shape[:2]
            x = self.merge[i](
                pooled, prototypes, share.unflatten(0, ways), similar.unflatten(0, ways)
            ).relu()
            if enlarged:
                above = self._resize(enlarged[-1], (side, side))
                x = x + self.top_down[i - 1](torch.cat([x, above], dim=1))
            x = x + self.refine[i](x)
            if self.training:
                auxiliary.append(self.auxiliary[i](x))
            enlarged.append(self._resize(x, size))
        x = self.fuse(torch.cat(enlarged, dim=1))
        return self.classify(x + self.refine_fused(x)), *auxiliary

    def _resize(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        if x.shape[-2:] == size:
            return x
        return F.interpolate(x, size, mode='bilinear', align_corners=self.align_corners)
