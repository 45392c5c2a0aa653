"""Head of PANet: cosine to class prototypes, trained with prototype alignment.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``h w``
feature size, ``H W`` image size.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead
from mmfewshot_seg.models.fewshot.level_fusion import fuse_levels
from mmfewshot_seg.models.fewshot.masked_pooling import (
    masked_average,
    resized_mask,
    transposed_bilinear,
)
from mmfewshot_seg.models.fewshot.prototype_alignment import (
    aligned_support_scores,
    alignment_loss,
    predicted_query_weights,
)
from mmfewshot_seg.models.fewshot.prototype_scores import SCORE_FUNCTIONS
from mmfewshot_seg.registry import MODELS, register
from mmfewshot_seg.structures import SupportState

POOLINGS = {'features_to_mask': transposed_bilinear, 'mask_to_features': resized_mask}
ALIGNMENTS = (None, 'predicted', 'annotated')


def _check_choice(name: str, value: object, choices: object) -> None:
    if value not in choices:
        raise ValueError(f'PANetHead: {name}={value!r}, expected one of {list(choices)}')


@register(MODELS, host='mmseg')
class PANetHead(BaseFewShotHead):
    """Prototypes by masked average pooling, scores by their similarity. No parameters.

    The foreground prototype of a way is the mean over its shots; there is one background
    prototype per episode, the mean over shots and ways. An empty mask gives a zero vector, which
    takes part in the mean. Computed in float32 under AMP too.

    Args:
        scale: Factor of the similarity. 20 in PANet, 10 in the residual variant.
        metric: ``'cosine'`` or ``'sqeuclidean'`` (minus the squared distance).
        pooling: ``'features_to_mask'``: as if the features were enlarged to the mask (PANet);
            ``'mask_to_features'``: the mask is reduced to soft weights (residual variant).
        align_loss: Query masks of the alignment loss: ``'predicted'`` (paper and official
            code), ``'annotated'`` (residual variant), or ``None`` for no such loss.
        align_weight: Weight of the alignment loss.
        in_index: Which level of the backbone or neck is used; several are fused, see
            :func:`fuse_levels`.
        align_corners: Whether pooling and the enlargement of the logits align corners.
        kwargs: See :class:`BaseFewShotHead`.

    Raises:
        ValueError: If ``metric``, ``pooling`` or ``align_loss`` is not one of the above.

    Source: PANet (Wang et al., ICCV 2019), sections 3.2 to 3.4.
    """

    def __init__(
        self,
        scale: float = 20.0,
        metric: str = 'cosine',
        pooling: str = 'features_to_mask',
        align_loss: str | None = 'predicted',
        align_weight: float = 1.0,
        in_index: int | Sequence[int] = -1,
        align_corners: bool = False,
        **kwargs,
    ) -> None:
        _check_choice('metric', metric, SCORE_FUNCTIONS)
        _check_choice('pooling', pooling, POOLINGS)
        _check_choice('align_loss', align_loss, ALIGNMENTS)
        super().__init__(align_corners=align_corners, **kwargs)
        self.scale = scale
        self.metric = metric
        self.pooling = pooling
        self.align_loss = align_loss
        self.align_weight = align_weight
        self.in_index = in_index

    def prototypes(self, features: tuple[Tensor, ...], masks: Tensor) -> SupportState:
        """See :class:`BaseFewShotHead`; the state holds ``prototypes`` (B, 1+N, C)."""
        features = self._select(features)
        ways = torch.arange(1, masks.shape[1] + 1, device=masks.device).view(1, -1, 1, 1, 1)
        with torch.autocast(features.device.type, enabled=False):
            weights = torch.stack([masks == 0, masks == ways], dim=3).float()
            weights = self._pooling_weights(weights, features.shape[-2:])
            pooled = masked_average(features.float().unsqueeze(3), weights.unsqueeze(4))
            background, foreground = pooled.mean(2).unbind(2)
            background = background.mean(1, keepdim=True)
            return SupportState(prototypes=torch.cat([background, foreground], dim=1))

    def join(self, states: Sequence[Sequence[SupportState]]) -> SupportState:
        """See :class:`BaseFewShotHead`."""
        ways = [torch.stack([shot.prototypes for shot in way]).mean(0) for way in states]
        background, foreground = torch.stack(ways, dim=1).unbind(2)
        background = background.mean(1, keepdim=True)
        return SupportState(prototypes=torch.cat([background, foreground], dim=1))

    def scores(self, features: tuple[Tensor, ...], state: SupportState) -> Tensor:
        """See :class:`BaseFewShotHead`."""
        return self._score(self._select(features), state.prototypes)

    def loss(
        self,
        query_features: tuple[Tensor, ...],
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
        query_masks: Tensor,
    ) -> dict[str, Tensor]:
        """See :class:`BaseFewShotHead`; ``loss_ce`` and, if switched on, ``loss_align``."""
        state = self.prototypes(support_features, support_masks)
        scores = self.scores(query_features, state)
        losses = dict(loss_ce=self.query_loss(scores, query_masks))
        if self.align_loss is not None:
            weights = self.query_weights(scores, query_masks)
            logits = self.support_logits(query_features, weights, support_features, support_masks)
            predicted = self.align_loss == 'predicted'
            present = weights[:, 1:].sum(dim=(2, 3, 4)) > 0 if predicted else None
            loss = alignment_loss(logits, support_masks, present)
            losses['loss_align'] = self.align_weight * loss
        return losses

    def query_weights(self, scores: Tensor, query_masks: Tensor) -> Tensor:
        """(B, 1+N, Q, h, w) weights of the query positions for the alignment loss."""
        if self.align_loss == 'predicted':
            return predicted_query_weights(scores)
        classes = torch.arange(scores.shape[2], device=scores.device).view(1, -1, 1, 1, 1)
        masks = (query_masks.unsqueeze(1) == classes).float()
        return self._pooling_weights(masks, scores.shape[-2:])

    def support_logits(
        self,
        query_features: tuple[Tensor, ...],
        query_weights: Tensor,
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
    ) -> Tensor:
        """(B, N, K, 2, H, W) logits of the supports, scored with prototypes of the query."""
        query, support = self._select(query_features), self._select(support_features)
        with torch.autocast(query.device.type, enabled=False):
            scores = aligned_support_scores(
                query.float(), query_weights, support.float(), self._score
            )
            return self.resize(scores, support_masks.shape[-2:])

    def _select(self, features: tuple[Tensor, ...]) -> Tensor:
        if isinstance(self.in_index, int):
            return features[self.in_index]
        return fuse_levels(features, self.in_index)

    def _pooling_weights(self, masks: Tensor, size: tuple[int, int]) -> Tensor:
        with torch.autocast(masks.device.type, enabled=False):
            return POOLINGS[self.pooling](masks, tuple(size), self.align_corners)

    def _score(self, features: Tensor, prototypes: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return self.scale * SCORE_FUNCTIONS[self.metric](features.float(), prototypes.float())
