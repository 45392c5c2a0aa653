"""WideResNet-38 (A2) at stride 8, the backbone of the published Gated-SCNN."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmfewshot_seg.models.semseg.levels import check_sequences
from mmfewshot_seg.models.semseg.norms import FrozenStatistics, freeze_statistics
from mmfewshot_seg.registry import MODELS, register


class Stage(NamedTuple):
    """One stage; ``channels`` are those of the convolutions of a block, as multiples of the stem's.

    Blocks of two convolutions have 3x3 ones, blocks of three are bottlenecks.
    """

    num_blocks: int
    channels: tuple[int, ...]
    pool: bool = False
    stride: int = 1
    dilation: int = 1
    dropout: float = 0.0


STAGES = (
    Stage(3, (2, 2), pool=True),
    Stage(3, (4, 4), pool=True),
    Stage(6, (8, 8), stride=2),
    Stage(3, (8, 16), dilation=2),
    Stage(1, (8, 16, 32), dilation=4, dropout=0.3),
    Stage(1, (16, 32, 64), dilation=4, dropout=0.5),
)


@register(MODELS, host='mmseg')
class WideResNet38(FrozenStatistics, BaseModule):
    """Residual network of few, wide blocks: seven levels of strides 1, 2, 4, 8, 8, 8, 8.

    They have 64, 128, 256, 512, 1024, 2048 and 4096 channels. Blocks are pre-activated and no norm
    follows the last one, so every level is a sum that has seen neither norm nor ReLU.

    Args:
        in_channels: Channels of the image.
        base_channels: Channels of the first level.
        out_indices: Levels to return.
        norm_cfg: Config of the norms.
        frozen_stages: This level and all before it are not trained, and their norms use stored
            statistics; -1 freezes nothing, 0 the first convolution.
        norm_eval: Whether all batch norms use their stored statistics in training too, see
            :class:`FrozenStatistics`.
        with_cp: Whether training keeps what goes into blocks alone and computes the rest again for
            the gradients: less memory, more time.
        init_cfg: See ``BaseModule``; Kaiming's by default.

    Raises:
        ValueError: If there is no such level.

    Source: Wu et al., Wider or Deeper, 2016; with the dilations of Gated-SCNN.
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        out_indices: Sequence[int] = (0, 1, 2, 3, 6),
        norm_cfg: dict | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d'))
        check_sequences(out_indices=out_indices)
        if not all(0 <= index <= len(STAGES) for index in out_indices):
            raise ValueError(f'out_indices {tuple(out_indices)}: expected 0 to {len(STAGES)}')
        if not -1 <= frozen_stages <= max(out_indices):
            raise ValueError(
                f'frozen_stages={frozen_stages}: expected a level, 0 to {max(out_indices)}, or -1'
            )
        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.stem = nn.Conv2d(in_channels, base_channels, 3, padding=1, bias=False)
        self.stages = []
        width = base_channels
        for number, stage in enumerate(STAGES[: max(self.out_indices)], start=2):
            channels = tuple(base_channels * factor for factor in stage.channels)
            layers = OrderedDict(pool=nn.MaxPool2d(3, 2, 1)) if stage.pool else OrderedDict()
            for block in range(1, stage.num_blocks + 1):
                stride = stage.stride if block == 1 else 1
                layers[f'block{block}'] = WideBlock(
                    width, channels, stride, stage.dilation, stage.dropout, norm_cfg, with_cp
                )
                width = channels[-1]
            self.stages.append(f'stage{number}')
            self.add_module(f'stage{number}', nn.Sequential(layers))
        for part in self._frozen():
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> 'WideResNet38':
        """As of any module; what is frozen stays as it is."""
        super().train(mode)
        for part in self._frozen():
            freeze_statistics(part)
        return self

    def _frozen(self) -> list[nn.Module]:
        """Modules of the levels that are not trained."""
        levels = [self.stem, *(getattr(self, name) for name in self.stages)]
        return levels[: self.frozen_stages + 1]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Levels (B, C, h, w) of (B, 3, H, W) images."""
        levels = [self.stem(image)]
        for name in self.stages:
            levels.append(getattr(self, name)(levels[-1]))
        return tuple(levels[index] for index in self.out_indices)


class WideBlock(BaseModule):
    """Pre-activated residual block; the projection of its shortcut reads what the first norm gives.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the two or three convolutions.
        stride: Stride of the first convolution.
        dilation: Dilation of the 3x3 convolutions.
        dropout: Probability of dropping a channel before the last.
        norm_cfg: Config of the norms.
        with_cp: Whether training keeps the input alone.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        stride: int = 1,
        dilation: int = 1,
        dropout: float = 0.0,
        norm_cfg: dict | None = None,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.with_cp = with_cp
        kernels = (3, 3) if len(channels) == 2 else (1, 3, 1)
        widths = (in_channels, *channels)
        self.norms = nn.ModuleList(
            build_norm_layer(norm_cfg or dict(type='BN'), width)[1] for width in widths[:-1]
        )
        self.convs = nn.ModuleList()
        for number, kernel in enumerate(kernels):
            spacing = dilation if kernel == 3 else 1
            self.convs.append(
                nn.Conv2d(
                    widths[number],
                    widths[number + 1],
                    kernel,
                    stride=1 if number else stride,
                    padding=kernel // 2 * spacing,
                    dilation=spacing,
                    bias=False,
                )
            )
        self.dropout = nn.Dropout2d(dropout)
        self.project = None
        if stride != 1 or in_channels != channels[-1]:
            self.project = nn.Conv2d(in_channels, channels[-1], 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) of the last convolution's width."""
        if self.with_cp and x.requires_grad:
            return checkpoint(self._residual, x, use_reentrant=False)
        return self._residual(x)

    def _residual(self, x: Tensor) -> Tensor:
        out = F.relu_(self.norms[0](x))
        shortcut = x if self.project is None else self.project(out)
        for norm, conv in zip(self.norms[1:], self.convs[:-1], strict=True):
            out = F.relu_(norm(conv(out)))
        return self.convs[-1](self.dropout(out)) + shortcut
