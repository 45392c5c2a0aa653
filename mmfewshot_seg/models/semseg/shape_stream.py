"""The edge stream of Gated-SCNN: thin, at high resolution, gated by deep features.

Shape letters: ``B`` images, ``C`` channels, ``H W`` working size of the stream.
"""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.models.utils import resize
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmfewshot_seg.compat import is_traced
from mmfewshot_seg.models.semseg.gated_conv import GatedConv
from mmfewshot_seg.models.semseg.norms import norm_cfg_of_width


class ShapeStream(BaseModule):
    """Edges from early features, of which gates let through what deep features confirm.

    The early features are enlarged to the working size. Then follow, once per gate, a residual
    block, a 1x1 convolution to fewer channels and a :class:`GatedConv`, whose gate is a 1x1
    convolution of deep features, enlarged as well; at last a 1x1 convolution to the edge.

    Args:
        shape_channels: Channels of the early features; those that are not ``channels[0]`` are
            projected first.
        gate_channels: Channels of the deep features, of one map per gate.
        channels: Widths of the stream, one more than gates.
        norm_cfg: Config of the norms, see :func:`norm_cfg_of_width`.
        with_cp: Whether training keeps what goes into blocks and gates alone, and computes the rest
            again for the gradients: less memory, more time. The statistics of batch norms then
            move twice a step, as in the hosts' backbones.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: If there is not one width more than gates.

    Source: section 3.1 of Gated-SCNN (Takikawa et al., ICCV 2019).
    """

    def __init__(
        self,
        shape_channels: int,
        gate_channels: Sequence[int],
        channels: Sequence[int] = (64, 32, 16, 8),
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(gate_channels) + 1:
            raise ValueError(
                f'channels={tuple(channels)} of the shape stream: expected '
                f'{len(gate_channels) + 1}, one more than the {len(gate_channels)} gates'
            )
        self.with_cp = with_cp
        self.project = nn.Identity()
        if shape_channels != channels[0]:
            self.project = nn.Conv2d(shape_channels, channels[0], 1)
        self.gate_convs = nn.ModuleList(nn.Conv2d(c, 1, 1) for c in gate_channels)
        kaiming = dict(type='Kaiming', layer='Conv2d')
        self.blocks = nn.ModuleList(
            BasicBlock(
                c, c, norm_cfg=norm_cfg_of_width(norm_cfg, c), with_cp=with_cp, init_cfg=kaiming
            )
            for c in channels[:-1]
        )
        self.reductions = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1)
            for wide, narrow in zip(channels[:-1], channels[1:], strict=True)
        )
        self.gates = nn.ModuleList(GatedConv(c, norm_cfg) for c in channels[1:])
        self.edge = nn.Conv2d(channels[-1], 1, 1, bias=False)

    def forward(self, size: tuple[int, int], shape: Tensor, *deep: Tensor) -> Tensor:
        """Logits of the edge.

        Tensors are arguments of their own, for PyTorch's activation checkpointing sees no others.

        Args:
            size: H, W.
            shape: (B, C, h, w) early features.
            *deep: Deep features of each gate, of any sizes.

        Returns:
            (B, 1, H, W).
        """
        x = enlarge(self.project(shape), size)
        for block, reduction, gate, gate_conv, level in zip(
            self.blocks, self.reductions, self.gates, self.gate_convs, deep, strict=True
        ):
            features, gating = reduction(block(x)), enlarge(gate_conv(level), size)
            if self.with_cp and features.requires_grad:
                x = checkpoint(gate, features, gating, use_reentrant=False)
            else:
                x = gate(features, gating)
        return self.edge(x)


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (B, C, h, w), bilinear, corners aligned, as everything inside the network is."""
    if tuple(maps.shape[-2:]) == tuple(size) and not is_traced():
        return maps
    return resize(maps, size, mode='bilinear', align_corners=True, warning=False)
