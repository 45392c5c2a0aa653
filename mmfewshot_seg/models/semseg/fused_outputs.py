"""What a neck that fuses all levels into one map gives: the map, with the levels, or a pyramid."""

import torch.nn.functional as F
from torch import Tensor, nn

OUTPUTS = ('fused', 'append', 'pyramid')


class FusedOutputs(nn.Module):
    """Outputs of a neck, by form.

    Args:
        form: ``'fused'``: the fused map alone, in place of what a dilated backbone gives.
            ``'append'``: the levels untouched, but the fused map in place of the deepest, so that
            an auxiliary head may read the last but one. ``'pyramid'``: ``num_outs`` levels, each
            of half the size of the one before, for detection heads.
        fused_channels: Channels of the fused map.
        out_channels: Channels of the pyramid.
        num_outs: Levels of the pyramid.

    Raises:
        ValueError: If the form is another one, or there are no levels or channels.
    """

    def __init__(self, form: str, fused_channels: int, out_channels: int, num_outs: int) -> None:
        super().__init__()
        if form not in OUTPUTS:
            raise ValueError(f'out={form!r}, expected one of {", ".join(map(repr, OUTPUTS))}')
        if num_outs < 1:
            raise ValueError(f'num_outs={num_outs}, expected at least 1 level')
        if out_channels < 1:
            raise ValueError(f'out_channels={out_channels}, expected a positive number')
        self.form = form
        self.num_outs = num_outs
        if form == 'pyramid':
            self.reduce = nn.Conv2d(fused_channels, out_channels, 1)

    def forward(self, levels: tuple[Tensor, ...], fused: Tensor) -> tuple[Tensor, ...]:
        """Outputs, shallowest first, of the levels but the deepest and the fused map."""
        if self.form == 'fused':
            return (fused,)
        if self.form == 'append':
            return (*levels, fused)
        outputs = [self.reduce(fused)]
        while len(outputs) < self.num_outs:
            outputs.append(F.avg_pool2d(outputs[-1], 2, ceil_mode=True))
        return tuple(outputs)
