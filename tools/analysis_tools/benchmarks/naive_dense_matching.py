"""Dense matching as its formula reads: whole attention maps in float32. The oracle of ours."""

import torch
import torch.nn.functional as F
from torch import Tensor


class NaiveDenseMatching:
    """One way, one query; levels of one size; the state is features (S, C) and shares (2, S)."""

    temperature = 0.05

    def fused(self, levels: tuple[Tensor, ...]) -> Tensor:
        """(..., h * w, C) unit features."""
        levels = [F.normalize(level, dim=-3) for level in levels]
        return F.normalize(torch.cat(levels, dim=-3), dim=-3).flatten(-2).transpose(-1, -2)

    def prototypes(self, features: tuple[Tensor, ...], masks: Tensor) -> tuple[Tensor, Tensor]:
        size = features[0].shape[-2:]
        positions = self.fused(tuple(level[0, 0] for level in features)).flatten(0, 1)
        shares = F.adaptive_avg_pool2d(masks[0, 0].float(), size).flatten()
        return positions, torch.stack([1 - shares, shares])

    def scores(self, features: tuple[Tensor, ...], state: tuple[Tensor, Tensor]) -> Tensor:
        """(1, 1, 2, h, w)."""
        positions, shares = state
        query = self.fused(tuple(level[0, 0] for level in features))
        similarity = query @ positions.T / self.temperature
        scores = [
            torch.logsumexp(similarity + share.log(), dim=-1) - share.sum().log() / 2
            for share in shares
        ]
        return torch.stack(scores).view(1, 1, 2, *features[0].shape[-2:])
