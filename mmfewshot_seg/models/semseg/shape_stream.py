"""The edge stream of Gated-SCNN: thin, at high resolution, gated by deep features.

Shape letters: ``B`` images, ``C`` channels, ``H W`` working size of the stream.
"""

from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.models.backbones.resnet import BasicBlock
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmfewshot_seg.compat import is_traced
from mmfewshot_seg.models.semseg.gated_conv import GatedConv


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
        norm_cfg: Config of a batch norm.
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
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(gate_channels) + 1:
            raise ValueError(
                f'channels={tuple(channels)} of the shape stream: expected '
                f'{len(gate_channels) + 1}, one more than the {len(gate_channels)} gates'
            )
        norm_cfg = norm_cfg or dict(type='BN')
        self.project = nn.Identity()
        if shape_channels != channels[0]:
            self.project = nn.Conv2d(shape_channels, channels[0], 1)
        self.gate_convs = nn.ModuleList(nn.Conv2d(c, 1, 1) for c in gate_channels)
        kaiming = dict(type='Kaiming', layer='Conv2d')
        self.blocks = nn.ModuleList(
            BasicBlock(c, c, norm_cfg=norm_cfg, init_cfg=kaiming) for c in channels[:-1]
        )
        self.reductions = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1)
            for wide, narrow in zip(channels[:-1], channels[1:], strict=True)
        )
        self.gates = nn.ModuleList(GatedConv(c, norm_cfg) for c in channels[1:])
        self.edge = nn.Conv2d(channels[-1], 1, 1, bias=False)

    def forward(self, shape: Tensor, deep: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Logits of the edge.

        Args:
            shape: (B, C, h, w) early features.
            deep: Deep features of each gate, of any sizes.
            size: H, W.

        Returns:
            (B, 1, H, W).
        """
        x = enlarge(self.project(shape), size)
        for block, reduction, gate, gate_conv, level in zip(
            self.blocks, self.reductions, self.gates, self.gate_convs, deep, strict=True
        ):
            x = gate(reduction(block(x)), enlarge(gate_conv(level), size))
        return self.edge(x)


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (B, C, h, w), bilinear, corners aligned, as everything inside the network is."""
    if tuple(maps.shape[-2:]) == tuple(size) and not is_traced():
        return maps
    return resize(maps, size, mode='bilinear', align_corners=True, warning=False)
