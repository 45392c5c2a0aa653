"""Gated convolution: where the features of an edge stream pass is decided by another map.

Shape letters: ``B`` images, ``C`` channels, ``H W`` size.
"""

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from torch import Tensor, nn

from mmfewshot_seg.compat import is_traced
from mmfewshot_seg.models.semseg.norms import norm_cfg_of_width

CACHED_NUMBERS = 2**17  # of a map: half a megabyte of float32


class GatedConv(BaseModule):
    """1x1 convolution of ``features * (1 + attention)``, the attention seen from features and gate.

    The attention is one map in (0, 1): norm of the features with the gate as a further channel,
    1x1 convolution, ReLU, 1x1 convolution to one channel, norm, sigmoid.

    Since it is one number per position, the convolution of the features is done first and scaled.
    Outside training batch norms are folded into the convolutions beside them, features and gate are
    never joined and, all of it being pointwise, the CPU works on as many positions at once as its
    cache holds. Other norms are computed as they are.

    Args:
        channels: C, of features and output.
        norm_cfg: Config of the norms, see :func:`norm_cfg_of_width`.
        init_cfg: See ``BaseModule``.

    Source: section 3.1 of Gated-SCNN (Takikawa et al., ICCV 2019).
    """

    def __init__(
        self, channels: int, norm_cfg: dict | None = None, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.norm_in = _norm(norm_cfg, channels + 1)
        self.reduce = nn.Conv2d(channels + 1, channels + 1, 1)
        self.attend = nn.Conv2d(channels + 1, 1, 1)
        self.norm_out = _norm(norm_cfg, 1)
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        nn.init.xavier_normal_(self.conv.weight)

    def forward(self, features: Tensor, gate: Tensor) -> Tensor:
        """Features that passed.

        Args:
            features: (B, C, H, W).
            gate: (B, 1, H, W).

        Returns:
            (B, C, H, W).
        """
        if self.training or not _folds(self.norm_in):
            return self.conv(features) * (1 + self.attention(features, gate))
        weights = self._folded_weights()
        features, gate, shape = features.flatten(2), gate.flatten(2), features.shape
        if features.device.type != 'cpu' or is_traced():
            return _folded(features, gate, *weights).view(shape)
        passed = torch.empty_like(features)
        step = max(1, CACHED_NUMBERS // shape[:2].numel())
        for start in range(0, features.shape[2], step):
            part = ..., slice(start, start + step)
            passed[part] = _folded(features[part], gate[part], *weights)
        return passed.view(shape)

    def attention(self, features: Tensor, gate: Tensor) -> Tensor:
        """(B, 1, H, W) in (0, 1), with the norms as they are."""
        hidden = self.reduce(self.norm_in(torch.cat([features, gate], dim=1))).relu_()
        return self.norm_out(self.attend(hidden)).sigmoid()

    def _folded_weights(self) -> tuple[Tensor, ...]:
        """Matrix of the first convolution, its bias, those of the second, and the last matrix."""
        scale, shift = _affine(self.norm_in)
        reduce, attend = self.reduce.weight.flatten(1), self.attend.weight.flatten(1)
        bias = self.reduce.bias + reduce @ shift
        scale_out, shift_out = _affine(self.norm_out)
        return (
            reduce * scale,
            bias.unsqueeze(1),
            attend * scale_out,
            self.attend.bias * scale_out + shift_out,
            self.conv.weight.flatten(1),
        )


def _norm(norm_cfg: dict | None, channels: int) -> nn.Module:
    return build_norm_layer(norm_cfg_of_width(norm_cfg, channels), channels)[1]


def _folds(norm: nn.Module) -> bool:
    """Whether the norm is a fixed scale and shift of each channel."""
    return isinstance(norm, _BatchNorm) and norm.track_running_stats and norm.affine


def _folded(
    features: Tensor,
    gate: Tensor,
    reduce: Tensor,
    reduce_bias: Tensor,
    attend: Tensor,
    attend_bias: Tensor,
    conv: Tensor,
) -> Tensor:
    """Features (B, C, n) that passed, by their gate (B, 1, n)."""
    hidden = (reduce[:, :-1] @ features).addcmul_(gate, reduce[:, -1:]).add_(reduce_bias).relu_()
    attention = (attend @ hidden).add_(attend_bias).sigmoid_()
    return (conv @ features) * attention.add(1)


def _affine(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Scale and shift, each (C,), of a batch norm with stored statistics."""
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale
