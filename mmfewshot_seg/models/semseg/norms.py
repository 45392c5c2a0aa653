"""Norms of layers that train on few images: groups that fit any width, statistics that stay."""

from math import gcd

from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from torch import nn


def norm_cfg_of_width(norm_cfg: dict | None, channels: int, pooled: bool = False) -> dict:
    """Config of the norm of a layer: batch norm if none is given, groups that divide the channels.

    Args:
        norm_cfg: Config of any norm. The groups of a group norm are those that the widest layers
            have; a layer whose channels they do not divide gets as many as do.
        channels: Channels of the layer.
        pooled: Whether the layer gives one value per channel; a group then has two or more, for a
            single one has no deviation.

    Examples:
        >>> norm_cfg_of_width(dict(type='GN', num_groups=32), 48)
        {'type': 'GN', 'num_groups': 16}
    """
    norm_cfg = dict(norm_cfg or dict(type='BN'))
    if norm_cfg['type'] == 'GN':
        groups = gcd(norm_cfg['num_groups'], channels)
        if pooled and groups == channels:
            groups = next(d for d in range(max(channels // 2, 1), 0, -1) if groups % d == 0)
        norm_cfg['num_groups'] = groups
    return norm_cfg


def freeze_statistics(module: nn.Module) -> None:
    """Let batch norms use their stored statistics; their scales and shifts are still trained."""
    for part in module.modules():
        if isinstance(part, _BatchNorm):
            part.eval()


class FrozenStatistics:
    """Mixin of a module whose batch norms use their stored statistics in training too.

    It is for training from a checkpoint with few images a step, one for instance: the statistics
    of a batch then say little, and those of one pooled image do not exist.

    Attributes:
        norm_eval: Whether it is so.
    """

    norm_eval: bool = False

    def train(self, mode: bool = True) -> nn.Module:
        """As of any module; what is frozen stays as it is."""
        super().train(mode)
        if mode and self.norm_eval:
            freeze_statistics(self)
        return self
