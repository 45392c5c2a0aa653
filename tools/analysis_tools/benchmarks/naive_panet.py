"""The PANet head as its paper describes it, word by word: the oracle of ours.

Features are enlarged to the size of the mask, and Python loops go over episodes, ways, shots and
classes. Letters as in ``PANetHead``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def masked_mean(features: Tensor, mask: Tensor) -> Tensor:
    """(C,) mean of (M, C, H, W) features under (M, H, W) masks, over all M together."""
    total = (features * mask[:, None]).sum(dim=(0, 2, 3))
    return total / (mask.sum() + 1e-5)


def cosine_maps(features: Tensor, prototypes: list[Tensor], scale: float) -> Tensor:
    """(P, h, w) scaled cosine of (C, h, w) features to P prototypes (C,)."""
    maps = [F.cosine_similarity(features, p[:, None, None], dim=0) for p in prototypes]
    return scale * torch.stack(maps)


def resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of (..., h, w) maps of one image to ``size``."""
    return F.interpolate(maps[None], size, mode='bilinear', align_corners=False)[0]


class NaivePANetHead(nn.Module):
    """Methods and losses of ``PANetHead()``; the state is a list of prototypes per episode."""

    scale = 20.0
    support_extras = ()

    def prototypes(self, features: tuple[Tensor], masks: Tensor) -> list[list[Tensor]]:
        return [
            self._episode_prototypes(*episode) for episode in zip(features[-1], masks, strict=True)
        ]

    def _episode_prototypes(self, features: Tensor, masks: Tensor) -> list[Tensor]:
        """Background, way 1, ... of (N, K, C, h, w) features, (N, K, H, W) masks."""
        backgrounds, foregrounds = [], []
        for way in range(masks.shape[0]):
            background, foreground = [], []
            for shot in range(masks.shape[1]):
                mask = masks[way, shot]
                for means, label in ((background, 0), (foreground, way + 1)):
                    enlarged = resize(features[way, shot], mask.shape)
                    means.append(masked_mean(enlarged[None], (mask == label)[None].float()))
            backgrounds.append(torch.stack(background).mean(0))
            foregrounds.append(torch.stack(foreground).mean(0))
        return [torch.stack(backgrounds).mean(0), *foregrounds]

    def scores(self, features: tuple[Tensor], state: list[list[Tensor]]) -> Tensor:
        """(B, Q, 1+N, h, w)."""
        rows = zip(features[-1], state, strict=True)
        return torch.stack(
            [
                torch.stack([cosine_maps(query, prototypes, self.scale) for query in queries])
                for queries, prototypes in rows
            ]
        )

    def resize(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        return torch.stack([torch.stack([resize(q, size) for q in row]) for row in logits])

    def loss(
        self,
        query_features: tuple[Tensor],
        support_features: tuple[Tensor],
        support_masks: Tensor,
        query_masks: Tensor,
    ) -> dict[str, Tensor]:
        scores = self.scores(query_features, self.prototypes(support_features, support_masks))
        logits = self.resize(scores, query_masks.shape[-2:])
        loss_ce = F.cross_entropy(logits.flatten(0, 1), query_masks.flatten(0, 1), ignore_index=255)
        episodes = zip(query_features[-1], scores, support_features[-1], support_masks, strict=True)
        loss_align = torch.stack([self._alignment(*episode) for episode in episodes]).mean()
        return dict(loss_ce=loss_ce, loss_align=loss_align)

    def _alignment(
        self, query: Tensor, scores: Tensor, support: Tensor, support_masks: Tensor
    ) -> Tensor:
        """Alignment loss of one episode.

        Args:
            query: (Q, C, h, w).
            scores: (Q, 1+N, h, w).
            support: (N, K, C, h, w).
            support_masks: (N, K, H, W).
        """
        labels = scores.argmax(1)
        ways, shots = support.shape[:2]
        background = masked_mean(query, (labels == 0).float())
        loss = query.new_zeros(())
        for way in range(ways):
            predicted = (labels == way + 1).float()
            if predicted.sum() == 0:
                continue
            prototypes = [background, masked_mean(query, predicted)]
            for shot in range(shots):
                mask = support_masks[way, shot]
                target = torch.full_like(mask, 255)
                target[mask == way + 1] = 1
                target[mask == 0] = 0
                maps = cosine_maps(support[way, shot], prototypes, self.scale)
                logits = resize(maps, mask.shape)
                loss = loss + F.cross_entropy(logits[None], target[None], ignore_index=255)
        return loss / (shots * ways)
