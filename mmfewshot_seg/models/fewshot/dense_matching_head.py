"""Head that compares every position of a query with every position of the supports.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``S``
positions of all supports together, ``h w`` feature size, ``H W`` image size.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead, mean_of_highest
from mmfewshot_seg.models.fewshot.dense_matching import matching_scores
from mmfewshot_seg.models.fewshot.level_fusion import fuse_levels
from mmfewshot_seg.models.fewshot.prototype_alignment import (
    alignment_loss,
    predicted_query_weights,
)
from mmfewshot_seg.models.fewshot.support_thinning import thin_support
from mmfewshot_seg.registry import MODELS, register
from mmfewshot_seg.structures import SupportState


@register(MODELS, host='mmseg')
class DenseMatchingHead(BaseFewShotHead):
    """Masks of the supports, aggregated by the similarity of positions. No parameters.

    It segments with a pretrained encoder that was never trained on episodes, and can be trained
    like PANet. A way's score weighs the similar positions of its masks, the background's those of
    all supports that no way covers; a way can have any number of shots. A support whose mask is
    empty shows the background alone. Computed in float32 under AMP too.

    Args:
        in_index: Level or levels of the encoder, see :func:`fuse_levels`.
        temperature: Temperature of the attention over positions, at least 0.025.
        area_power: How much of the advantage of large areas is taken away: 0 none (a sum over
            positions), 1 all (a mean).
        max_positions: Most positions that are kept of each support and class, as centres of
            superpixels. None: all.
        align_weight: Weight of the alignment loss, in which the query's prediction segments the
            supports, as in PANet; 0 leaves it out.
        presence_levels: What :meth:`presence` usually gives for images without and with a way, by
            which ``min_score='auto'`` of an inferencer begins. They belong to the encoder.
        kwargs: See :class:`BaseFewShotHead`.

    Raises:
        ValueError: If a number is out of range.

    Source: mask aggregation of DCAMA (Shi et al., ECCV 2022); the alignment loss of PANet (Wang et
    al., ICCV 2019).
    """

    takes_negatives = True

    def __init__(
        self,
        in_index: int | Sequence[int] = (-2, -1),
        temperature: float = 0.05,
        area_power: float = 0.5,
        max_positions: int | None = None,
        align_weight: float = 1.0,
        presence_levels: tuple[float, float] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not temperature >= 0.025:
            raise ValueError(
                f'temperature={temperature}, expected at least 0.025: below it exponentials leave '
                'the range of float32'
            )
        if not 0 <= area_power <= 1:
            raise ValueError(f'area_power={area_power}, expected a number from 0 to 1')
        if max_positions is not None and max_positions < 2:
            raise ValueError(f'max_positions={max_positions}, expected at least 2, or None for all')
        if presence_levels is not None and not presence_levels[0] < presence_levels[1]:
            raise ValueError(
                f'presence_levels={presence_levels}, expected that of images without a way and a '
                'higher one of images with it'
            )
        self.in_index = in_index
        self.temperature = temperature
        self.area_power = area_power
        self.max_positions = max_positions
        self.align_weight = align_weight
        self.presence_levels = presence_levels

    def prototypes(self, features: tuple[Tensor, ...], masks: Tensor) -> SupportState:
        """See :class:`BaseFewShotHead`.

        Returns:
            ``features`` (B, S, C), float16 outside training, and ``weights`` (B, 1+N, S) float32:
            the share of each class in what a position covers, background first.
        """
        with torch.autocast(masks.device.type, enabled=False):
            fused = fuse_levels(features, self.in_index)
            weights = class_shares(masks, fused.shape[-2:]).to(fused.device)
            if torch.is_grad_enabled():
                positions = fused
            elif self.max_positions is None:
                positions = fused.half()
            else:
                return thin_support(fused, weights, self.max_positions)
        return SupportState(
            features=positions.flatten(-2).transpose(-1, -2).flatten(1, 3),
            weights=weights.flatten(2),
        )

    def join(
        self,
        states: Sequence[Sequence[SupportState]],
        negatives: Sequence[SupportState] = (),
    ) -> SupportState:
        """See :class:`BaseFewShotHead`."""
        shots = [(way, shot) for way, shots in enumerate(states, start=1) for shot in shots]
        shots += [(None, shot) for shot in negatives]
        weights = []
        for way, shot in shots:
            batch, _, positions = shot.weights.shape
            rows = shot.weights.new_zeros(batch, 1 + len(states), positions)
            rows[:, 0] = shot.weights[:, 0]
            if way is not None:
                rows[:, way] = shot.weights[:, 1]
            weights.append(rows)
        return SupportState(
            features=torch.cat([shot.features for _, shot in shots], dim=1),
            weights=torch.cat(weights, dim=2),
        )

    def scores(self, features: tuple[Tensor, ...], state: SupportState) -> Tensor:
        """See :class:`BaseFewShotHead`."""
        with torch.autocast(state.features.device.type, enabled=False):
            query = fuse_levels(features, self.in_index)
            return self._match(query, state.features, state.weights)

    def presence(self, logits: Tensor, state: SupportState) -> Tensor:
        """See :class:`BaseFewShotHead`; how alike the most similar tenth is to the way.

        It is the similarity to an average position of the way, in which the alike count most; the
        background plays no part. About the cosine of unit features, of whatever number of shots.
        """
        areas = state.weights[:, None, 1:].sum(-1).clamp_min(torch.finfo(torch.float32).tiny)
        highest = mean_of_highest(logits[:, :, 1:])
        return self.temperature * (highest - (1 - self.area_power) * areas.log())

    def loss(
        self,
        query_features: tuple[Tensor, ...],
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
        query_masks: Tensor,
    ) -> dict[str, Tensor]:
        """See :class:`BaseFewShotHead`; ``loss_ce`` and, if it has a weight, ``loss_align``."""
        state = self.prototypes(support_features, support_masks)
        scores = self.scores(query_features, state)
        losses = dict(loss_ce=self.query_loss(scores, query_masks))
        if self.align_weight:
            weights = predicted_query_weights(scores)
            logits = self.support_logits(query_features, weights, support_features, support_masks)
            present = weights[:, 1:].sum(dim=(2, 3, 4)) > 0
            loss = alignment_loss(logits, support_masks, present)
            losses['loss_align'] = self.align_weight * loss
        return losses

    def support_logits(
        self,
        query_features: tuple[Tensor, ...],
        query_weights: Tensor,
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
    ) -> Tensor:
        """(B, N, K, 2, H, W) logits of the supports of each way, matched with the queries.

        Args:
            query_features: Levels (B, Q, C, h, w).
            query_weights: (B, 1+N, Q, h, w), which positions belong to each class.
            support_features: Levels (B, N, K, C, h', w').
            support_masks: (B, N, K, H, W), for their size.
        """
        ways = support_masks.shape[1]
        with torch.autocast(support_masks.device.type, enabled=False):
            query = fuse_levels(query_features, self.in_index)
            support = fuse_levels(support_features, self.in_index)
            query = query.flatten(-2).transpose(-1, -2).flatten(1, 2)
            weights = query_weights.flatten(2)
            background = weights[:, :1].expand(-1, ways, -1)
            pairs = torch.stack([background, weights[:, 1:]], dim=2)
            scores = self._match(
                support.flatten(0, 1), query.repeat_interleave(ways, 0), pairs.flatten(0, 1)
            )
            return self.resize(scores.unflatten(0, (-1, ways)), support_masks.shape[-2:])

    def _match(self, query: Tensor, support: Tensor, weights: Tensor) -> Tensor:
        return matching_scores(query, support, weights, self.temperature, self.area_power)


def class_shares(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Share of each class in what a position of a support covers.

    Args:
        masks: (B, N, K, H, W) int64: 0 background, ``n`` in the supports of way ``n`` that way;
            other values belong to no class.
        size: Feature size (h, w).

    Returns:
        (B, 1+N, N, K, h, w) float32.
    """
    ways = masks.shape[1]
    numbers = torch.arange(1, ways + 1, device=masks.device).view(1, -1, 1, 1, 1)
    regions = torch.stack([masks == 0, masks == numbers], dim=-3).float()
    shares = F.interpolate(regions.flatten(0, 2), tuple(size), mode='area')
    background, foreground = shares.unflatten(0, masks.shape[:3]).unbind(3)
    own = torch.eye(ways, device=masks.device).view(1, ways, ways, 1, 1, 1)
    return torch.cat([background.unsqueeze(1), own * foreground.unsqueeze(1)], dim=1)
