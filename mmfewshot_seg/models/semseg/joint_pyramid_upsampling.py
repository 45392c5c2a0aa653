"""Joint pyramid upsampling of FastFCN: the deep levels of a backbone as one large map."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.models.necks import JPU
from torch import Tensor

from mmfewshot_seg.models.semseg.foreign_layout import accept_layout
from mmfewshot_seg.models.semseg.fused_outputs import FusedOutputs
from mmfewshot_seg.models.semseg.levels import check_levels, check_sequences
from mmfewshot_seg.models.semseg.norms import FrozenStatistics
from mmfewshot_seg.registry import MODELS, register

# Of github.com/wuhuikai/FastFCN, which names its three levels by the stages of the backbone.
OFFICIAL_LEVELS = 3
OFFICIAL_SIGNATURE = 'dilation1.0.conv1.weight'
OFFICIAL_RENAMES = tuple(
    (rf'conv{level + 3}\.{index}\.(.+)', rf'conv_layers.{level}.0.{part}.\1')
    for level in range(OFFICIAL_LEVELS)
    for index, part in enumerate(('conv', 'bn'))
) + tuple(
    (rf'dilation{branch + 1}\.{old}\.(.+)', rf'dilation_layers.{branch}.0.{new}.\1')
    for branch in range(9)
    for old, new in (
        (r'0\.conv1', 'depthwise_conv.conv'),
        (r'0\.bn', 'depthwise_conv.bn'),
        (r'0\.pointwise', 'pointwise_conv.conv'),
        ('1', 'pointwise_conv.bn'),
    )
)


def adapt_official(key: str, value: Tensor) -> Tensor:
    """Channels of the concatenated levels: shallow first here, deep first there."""
    if '.depthwise_conv.' in key and value.dim():
        axis = 0
    elif key.endswith('.pointwise_conv.conv.weight'):
        axis = 1
    else:
        return value
    blocks = value.unflatten(axis, (OFFICIAL_LEVELS, -1))
    return blocks.flip(axis).flatten(axis, axis + 1)


@register(MODELS, host='mmseg', guest_of='mmdet')
class JointPyramidUpsampling(FrozenStatistics, JPU):
    """Joins levels of a backbone at the size of the first of them.

    Every level is brought to ``mid_channels``, enlarged and concatenated; dilated separable
    convolutions side by side see the whole. An undilated backbone and this neck are cheaper than a
    dilated backbone. It computes what mmseg's ``JPU`` does, has its parameters and loads its
    checkpoints, and the official ones, whose channels it reorders.

    Args:
        in_channels: Channels of each level that comes in; two or more are joined.
        mid_channels: Width of a level, and of each branch.
        start_level: First level that is joined. Shallower ones are not passed on.
        end_level: The level after the last that is joined; -1 joins to the end.
        dilations: One branch each; the fused map has ``len(dilations) * mid_channels`` channels.
        align_corners: How levels are enlarged. ``True`` as published, ``False`` as in mmseg.
        out: ``'fused'``, ``'append'`` or ``'pyramid'``, see :class:`FusedOutputs`.
        out_channels: Channels of the pyramid.
        num_outs: Levels of the pyramid.
        norm_eval: Whether batch norms use their stored statistics in training too, see
            :class:`FrozenStatistics`.
        kwargs: ``conv_cfg``, ``norm_cfg``, ``act_cfg`` and ``init_cfg`` of mmseg's ``JPU``.

    Raises:
        ValueError: If fewer than two levels are joined, a number is not positive, a sequence is
            none, or ``out`` is unknown.

    Source: FastFCN (Wu et al., 2019), section 3.3; the pyramid after ViTDet (Li et al., 2022).
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024, 2048),
        mid_channels: int = 512,
        start_level: int = 0,
        end_level: int = -1,
        dilations: Sequence[int] = (1, 2, 4, 8),
        align_corners: bool = True,
        out: str = 'append',
        out_channels: int = 256,
        num_outs: int = 5,
        norm_eval: bool = False,
        **kwargs,
    ) -> None:
        check_sequences(in_channels=in_channels, dilations=dilations)
        in_channels, dilations = tuple(in_channels), tuple(dilations)
        count = len(in_channels)
        end = count if end_level == -1 else end_level
        if not 0 <= start_level < end - 1 < count:
            raise ValueError(
                f'start_level={start_level} and end_level={end_level}: expected at least 2 of the '
                f'{count} levels of in_channels={in_channels}'
            )
        if mid_channels < 1:
            raise ValueError(f'mid_channels={mid_channels}, expected a positive number')
        if not dilations or min(dilations) < 1:
            raise ValueError(f'dilations={dilations}, expected positive numbers')
        super().__init__(
            in_channels,
            mid_channels,
            start_level,
            end_level,
            dilations,
            align_corners,
            **kwargs,
        )
        self.norm_eval = norm_eval
        fused_channels = len(self.dilations) * mid_channels
        self.outputs = FusedOutputs(out, fused_channels, out_channels, num_outs)
        accept_layout(self, OFFICIAL_SIGNATURE, OFFICIAL_RENAMES, adapt_official)

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """See :class:`FusedOutputs`; levels are (B, C, H, W), shallowest first.

        Raises:
            ValueError: If the levels differ from ``in_channels`` in number or channels.
        """
        check_levels(inputs, self.in_channels)
        joined = inputs[self.start_level : self.backbone_end_level]
        first, *deeper = (conv(x) for conv, x in zip(self.conv_layers, joined, strict=True))
        size = first.shape[2:]
        enlarged = [
            F.interpolate(x, size, mode='bilinear', align_corners=self.align_corners)
            for x in deeper
        ]
        x = torch.cat([first, *enlarged], dim=1)
        fused = torch.cat([branch(x) for branch in self.dilation_layers], dim=1)
        return self.outputs(tuple(joined[:-1]), fused)
