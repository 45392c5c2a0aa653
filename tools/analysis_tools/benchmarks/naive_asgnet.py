"""The ASGNet head as its paper describes it, step by step: the oracle of ours, for one way.

Python loops go over episodes and shots, differences to all centres and similarities to all
prototypes are tensors of their own, and the decoder gets the guide as features.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.models.fewshot import ASGNetHead, FeatureEnrichment


def cluster(features: Tensor, mask: Tensor, seeds: Tensor, iterations: int) -> Tensor:
    """(n, C) centres of (C, h, w) features in a (h, w) bool mask, from (n, 2) seeds."""
    points, places = features[:, mask], mask.nonzero().T.float()
    centres, centre_places = features[:, seeds[:, 0], seeds[:, 1]], seeds.T.float()
    for _ in range(iterations):
        difference = points[:, :, None] - centres[:, None, :]  # (C, points, centres)
        offset = places[:, :, None] - centre_places[:, None, :]
        distance = (difference.square().sum(0) + offset.square().sum(0) / 10**2).sqrt()
        weights = torch.exp(-distance)
        weights = weights / weights.sum(0)
        centres, centre_places = points @ weights, places @ weights
    return centres.T


def masked_mean(features: Tensor, weights: Tensor) -> Tensor:
    """(1, C) mean of (C, h, w) features under (h, w) weights."""
    return (features * weights).sum((1, 2))[None] / (weights.sum() + 5e-4)


def guided(query: Tensor, prototypes: Tensor) -> Tensor:
    """(2C+1, h, w): a (C, h, w) query, the most similar of (n, C) prototypes, the similarity."""
    expanded = prototypes[:, :, None, None].expand(-1, -1, *query.shape[1:])
    similarity = F.cosine_similarity(query[None], expanded, dim=1, eps=1e-7)
    guide = prototypes[similarity.argmax(0)].permute(2, 0, 1)
    return torch.cat([query, guide, similarity.sum(0, keepdim=True)])


class NaiveFeatureEnrichment(FeatureEnrichment):
    """``FeatureEnrichment()`` at inference, of (M, 2C+1, h, w) features."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.merge = nn.ModuleList(
            nn.Conv2d(2 * channels + 1, channels, 1, bias=False) for _ in self.scales
        )

    def forward(self, features: Tensor) -> Tensor:
        size = features.shape[-2:]
        enlarged = []
        for i, scale in enumerate(self.scales):
            side = max(int(scale * size[0]), 1)
            pooled = F.adaptive_avg_pool2d(features[:, :-1], side)
            similarity = self._resize(features[:, -1:], (side, side))
            x = F.relu(self.merge[i](torch.cat([pooled, similarity], dim=1)))
            if i:
                above = self._resize(enlarged[-1], (side, side))
                x = x + self.top_down[i - 1](torch.cat([x, above], dim=1))
            x = x + self.refine[i](x)
            enlarged.append(self._resize(x, size))
        x = self.fuse(torch.cat(enlarged, dim=1))
        return self.classify(x + self.refine_fused(x))


class NaiveASGNetHead(ASGNetHead):
    """``ASGNetHead()`` at inference; its weights fit. The state is one tensor per episode."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.decoder = NaiveFeatureEnrichment(self.reduction.out_channels)

    def prototypes(self, features: tuple[Tensor, ...], masks: Tensor) -> list[Tensor]:
        """(n, C) per episode."""
        state = []
        for *episode, labels in zip(*features, masks, strict=True):
            shots = []
            for *levels, label in zip(*(level[0] for level in episode), labels[0], strict=True):
                shots.append(self._shot_prototypes(levels, label == 1))
            state.append(torch.cat(shots))
        return state

    def _shot_prototypes(self, levels: list[Tensor], mask: Tensor) -> Tensor:
        """(n, C) of one support, from levels (C', h, w) and a (H, W) bool mask."""
        features = self.reduction(torch.cat(levels[::-1])[None])[0]
        size = features.shape[1:]
        seeds = superpixel_seeds(mask.cpu().numpy(), size, area=self.superpixel_area)
        seeds = torch.from_numpy(seeds[seeds[:, 0] >= 0]).to(mask.device)
        soft = mask[None, None].float()
        soft = F.interpolate(soft, size, mode='bilinear', align_corners=True)[0, 0]
        if len(seeds) < 2:
            return masked_mean(features, soft)
        return cluster(features, soft == 1, seeds, self.test_iterations)

    def scores(self, features: tuple[Tensor, ...], state: list[Tensor]) -> Tensor:
        """(B, Q, 2, h, w)."""
        outputs = []
        for *episode, prototypes in zip(*features, state, strict=True):
            for levels in zip(*episode, strict=True):
                query = self.reduction(torch.cat(levels[::-1])[None])[0]
                outputs.append(guided(query, prototypes))
        logits = self.decoder(torch.stack(outputs))
        return logits.unflatten(0, features[0].shape[:2])
