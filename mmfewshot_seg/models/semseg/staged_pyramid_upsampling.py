"""The later variant of joint pyramid upsampling, which joins the levels one after the other."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.foreign_layout import accept_layout
from mmfewshot_seg.models.semseg.fused_outputs import FusedOutputs
from mmfewshot_seg.models.semseg.levels import check_levels, check_sequences
from mmfewshot_seg.models.semseg.norms import FrozenStatistics
from mmfewshot_seg.registry import MODELS, register

DILATIONS = (1, 2, 4)
OFFICIAL_RENAMES = tuple(
    (rf'jum_{stage + 1}\.{old}\.(.+)', rf'stages.{stage}.{new}.\1')
    for stage in range(2)
    for old, new in (
        (r'conv_l\.0', 'deep.conv'),
        (r'conv_l\.1', 'deep.bn'),
        (r'conv_h\.0', 'shallow.conv'),
        (r'conv_h\.1', 'shallow.bn'),
        *(
            (rf'dilation{branch + 1}\.{layer}', f'branches.{branch}.{part}')
            for branch in range(len(DILATIONS))
            for layer, part in (
                (r'0\.conv1', 'depthwise_conv.conv'),
                (r'0\.bn', 'depthwise_conv.gn'),
                (r'0\.pointwise', 'pointwise_conv.conv'),
                ('1', 'pointwise_conv.gn'),
            )
        ),
    )
)


class JointUpsamplingStage(nn.Module):
    """Joins a deep level to a shallower one: four times ``width`` channels at the latter's size."""

    def __init__(
        self,
        deep_channels: int,
        shallow_channels: int,
        width: int,
        dilations: Sequence[int],
        align_corners: bool,
        norm_cfg: dict,
        branch_norm_cfg: dict,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.deep = ConvModule(deep_channels, width, 3, padding=1, norm_cfg=norm_cfg)
        self.shallow = ConvModule(shallow_channels, width, 3, padding=1, norm_cfg=norm_cfg)
        self.branches = nn.ModuleList(
            DepthwiseSeparableConvModule(
                2 * width,
                width,
                3,
                padding=dilation,
                dilation=dilation,
                norm_cfg=branch_norm_cfg,
                dw_act_cfg=None,
            )
            for dilation in dilations
        )

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        """(B, 4 * width, H, W) of (B, C, h, w) and (B, C', H, W)."""
        shallow = self.shallow(shallow)
        deep = self.deep(deep)
        size = shallow.shape[2:]
        deep = F.interpolate(deep, size, mode='bilinear', align_corners=self.align_corners)
        joined = torch.cat([deep, shallow], dim=1)
        return torch.cat([deep, *(branch(joined) for branch in self.branches)], dim=1)


@register(MODELS, host='mmseg', guest_of='mmdet')
class StagedPyramidUpsampling(FrozenStatistics, BaseModule):
    """Joins levels from the shallowest on, each stage being twice as wide and dilated.

    Args:
        in_channels: Channels of each level that comes in; two or more.
        mid_channels: Width of the last stage; the fused map has four times as many channels.
        align_corners: How levels are enlarged. ``True`` as published.
        out: ``'fused'``, ``'append'`` or ``'pyramid'``, see :class:`FusedOutputs`.
        out_channels: Channels of the pyramid.
        num_outs: Levels of the pyramid.
        norm_cfg: Norm of the convolutions of a level.
        branch_norm_cfg: Norm of the separable convolutions.
        norm_eval: Whether batch norms use their stored statistics in training too, see
            :class:`FrozenStatistics`.
        init_cfg: See ``mmengine.model.BaseModule``.

    Raises:
        ValueError: If there are fewer than two levels, the width cannot be halved often enough,
            or ``out`` is unknown.

    Source: ``JPU_X`` of github.com/wuhuikai/FastFCN (MIT), for which no figures are published.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024, 2048),
        mid_channels: int = 512,
        align_corners: bool = True,
        out: str = 'append',
        out_channels: int = 256,
        num_outs: int = 5,
        norm_cfg: dict = dict(type='BN'),  # noqa: B006
        branch_norm_cfg: dict = dict(type='GN', num_groups=32),  # noqa: B006
        norm_eval: bool = False,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sequences(in_channels=in_channels)
        self.norm_eval = norm_eval
        self.in_channels = tuple(in_channels)
        count = len(self.in_channels) - 1
        if count < 1:
            raise ValueError(f'in_channels={self.in_channels}, but at least 2 levels are joined')
        if mid_channels < 1 or mid_channels % 2 ** (count - 1):
            raise ValueError(f'mid_channels={mid_channels} cannot be halved {count - 1} times')
        self.stages = nn.ModuleList()
        channels = self.in_channels[0]
        for stage, deep_channels in enumerate(self.in_channels[1:]):
            width = mid_channels >> (count - 1 - stage)
            dilations = [dilation << stage for dilation in DILATIONS]
            self.stages.append(
                JointUpsamplingStage(
                    deep_channels,
                    channels,
                    width,
                    dilations,
                    align_corners,
                    norm_cfg,
                    branch_norm_cfg,
                )
            )
            channels = (1 + len(DILATIONS)) * width
        self.outputs = FusedOutputs(out, channels, out_channels, num_outs)
        accept_layout(self, 'jum_1.conv_l.0.weight', OFFICIAL_RENAMES)

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """See :class:`FusedOutputs`; levels are (B, C, H, W), shallowest first.

        Raises:
            ValueError: If the levels differ from ``in_channels`` in number or channels.
        """
        check_levels(inputs, self.in_channels)
        fused = inputs[0]
        for stage, deep in zip(self.stages, inputs[1:], strict=True):
            fused = stage(deep, fused)
        return self.outputs(tuple(inputs[:-1]), fused)
