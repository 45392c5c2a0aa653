"""Head of ASGNet: superpixel prototypes, each position of a query guided by one of them.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``S``
superpixels of a support, ``P = K * S`` prototypes of a way, ``h w`` feature size, ``H W`` image
size.
"""

from collections.abc import Sequence

import numpy as np
import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmfewshot_seg.compat import is_recorded
from mmfewshot_seg.functional.superpixel_seeds import SEEDINGS, superpixel_seeds
from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead
from mmfewshot_seg.models.fewshot.masked_pooling import masked_average, resized_mask
from mmfewshot_seg.models.fewshot.prototype_allocation import SIMILARITIES, allocate
from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering
from mmfewshot_seg.registry import MODELS, register
from mmfewshot_seg.structures import SupportState


@register(MODELS, host='mmseg')
class ASGNetHead(BaseFewShotHead):
    """Superpixel-guided clustering, guided prototype allocation and a decoder.

    A support with fewer than two seeds has one prototype, the average under its mask; an empty
    mask gives a zero prototype. The published network knows one way. With several, one decoder
    looks at the query with the guide of each way in turn; the score of a way is its margin over
    its own background, and the background's score is the mean of those backgrounds. So the odds
    of a way against the background are those of the 1-way network, and one way gives the
    published scores.

    Args:
        in_channels: Channels of the levels that are used.
        in_index: Which levels of the backbone or neck; they are resized to the first of them
            and concatenated, the last first, as published.
        channels: C, channels after the reduction.
        decoder: Config of a decoder.
        max_seeds: Most superpixels of a support.
        superpixel_area: Positions per superpixel, at feature size.
        seeding: ``'official'`` or ``'clean'``, see :func:`superpixel_seeds`.
        train_iterations: Iterations of the clustering in training.
        test_iterations: The same in tests.
        similarity: ``'sum'`` or ``'mean'``, see :func:`allocate`.
        aux_weight: Weight of the mean of the auxiliary losses.
        dropout: Share of whole channels of the reduced features that training drops.
        align_corners: Whether masks and logits are resized with aligned corners.
        **kwargs: See :class:`BaseFewShotHead`.

    Raises:
        ValueError: If an argument is not one of those above or out of range.

    Source: ASGNet (Li et al., CVPR 2021).
    """

    support_extras = ('support_seeds',)

    def __init__(
        self,
        in_channels: Sequence[int] = (512, 1024),
        in_index: Sequence[int] = (0, 1),
        channels: int = 256,
        decoder: dict | None = None,
        max_seeds: int = 5,
        superpixel_area: int = 100,
        seeding: str = 'official',
        train_iterations: int = 10,
        test_iterations: int = 5,
        similarity: str = 'sum',
        aux_weight: float = 1.0,
        dropout: float = 0.5,
        align_corners: bool = True,
        **kwargs,
    ) -> None:
        for name, value, choices in (
            ('seeding', seeding, SEEDINGS),
            ('similarity', similarity, SIMILARITIES),
        ):
            if value not in choices:
                raise ValueError(f'ASGNetHead: {name}={value!r}, expected one of {choices}')
        if len(in_channels) != len(in_index):
            raise ValueError(
                f'ASGNetHead: in_channels {in_channels} and in_index {in_index} differ in length'
            )
        for name, value in (
            ('max_seeds', max_seeds),
            ('superpixel_area', superpixel_area),
            ('train_iterations', train_iterations),
            ('test_iterations', test_iterations),
        ):
            if value < 1:
                raise ValueError(f'ASGNetHead: {name} must be at least 1, got {value}')
        super().__init__(align_corners=align_corners, **kwargs)
        self.in_index = tuple(in_index)
        self.max_seeds = max_seeds
        self.superpixel_area = superpixel_area
        self.seeding = seeding
        self.train_iterations = train_iterations
        self.test_iterations = test_iterations
        self.similarity = similarity
        self.aux_weight = aux_weight
        self.reduction = nn.Conv2d(sum(in_channels), channels, 1, bias=False)
        self.dropout = nn.Dropout2d(dropout)
        decoder = decoder or dict(type='mmfewshot_seg.FeatureEnrichment')
        self.decoder = MODELS.build(dict(channels=channels, align_corners=align_corners, **decoder))

    @torch.no_grad()
    def prototypes(
        self,
        features: tuple[Tensor, ...],
        masks: Tensor,
        support_seeds: Tensor | None = None,
    ) -> SupportState:
        """See :class:`BaseFewShotHead`; without gradient.

        Args:
            features: Levels, each (B, N, K, C', h', w').
            masks: (B, N, K, H, W) int64.
            support_seeds: (B, N, K, S, 2) int64 of :func:`superpixel_seeds`; placed here if None.

        Returns:
            ``prototypes`` (B, N, P, C), those of the first shot first; ``valid`` (B, N, P)
            bool, which of them there are; ``clusters`` (B, N, K, h, w) int16, see
            :meth:`prototype_maps`.
        """
        reduced = _at_least_float32(self._reduce(features))
        ways = torch.arange(1, masks.shape[1] + 1, device=masks.device).view(1, -1, 1, 1, 1)
        foreground = masks == ways
        if support_seeds is None:
            support_seeds = self._place_seeds(foreground, reduced.shape[-2:])
        elif not is_recorded():
            _check_seeds(support_seeds, masks.shape, reduced.shape[-2:])
        with torch.autocast(reduced.device.type, enabled=False):
            soft = foreground.to(reduced.dtype)
            soft = resized_mask(soft, reduced.shape[-2:], self.align_corners)
            inside = soft > 1 - 1e-4
            centres, nearest = superpixel_clustering(
                reduced.flatten(0, 2),
                inside.flatten(0, 2),
                support_seeds.flatten(0, 2),
                self.train_iterations if self.training else self.test_iterations,
            )
            average = masked_average(reduced.unsqueeze(3), soft[..., None, None, :, :], eps=5e-4)
        valid = (support_seeds[..., 0] >= 0) & inside.flatten(3).any(-1, keepdim=True)
        single = ~valid.any(-1)
        prototypes = centres.unflatten(0, masks.shape[:3])
        prototypes = torch.where(single[..., None, None], average, prototypes)
        valid[..., 0] |= single
        nearest = nearest.unflatten(0, masks.shape[:3]).masked_fill(single[..., None, None], 0)
        numbers = valid.flatten(2).cumsum(-1).view_as(valid)
        clusters = numbers.gather(-1, nearest.flatten(3)).view_as(nearest) * (soft > 0)
        return SupportState(
            prototypes=prototypes.flatten(2, 3),
            valid=valid.flatten(2, 3),
            clusters=clusters.short(),
        )

    def join(self, states: Sequence[Sequence[SupportState]]) -> SupportState:
        """See :class:`BaseFewShotHead`; a way with fewer prototypes ends in ones not valid."""
        ways = [_join_shots(way) for way in states]
        return SupportState(
            **{name: _concatenate([way[name] for way in ways], dim=1) for name in ways[0]}
        )

    def scores(self, features: tuple[Tensor, ...], state: SupportState) -> Tensor:
        """See :class:`BaseFewShotHead`."""
        return self._decode(features, state)[0]

    def loss(
        self,
        query_features: tuple[Tensor, ...],
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
        query_masks: Tensor,
        support_seeds: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See :class:`BaseFewShotHead`; ``loss_ce`` and the auxiliary ``loss_aux``."""
        state = self.prototypes(support_features, support_masks, support_seeds)
        scores, auxiliary = self._decode(query_features, state)
        losses = [self.query_loss(logits, query_masks) for logits in auxiliary]
        return dict(
            loss_ce=self.query_loss(scores, query_masks),
            loss_aux=self.aux_weight * sum(losses) / len(losses),
        )

    @torch.no_grad()
    def prototype_maps(
        self, features: tuple[Tensor, ...], state: SupportState
    ) -> tuple[Tensor, Tensor]:
        """See :class:`BaseFewShotHead`."""
        _, guide = self._allocate(self._reduce(features), state)
        numbers = state.valid.cumsum(-1).unsqueeze(1).expand(-1, guide.shape[1], -1, -1)
        return state.clusters, numbers.gather(-1, guide.flatten(3)).view_as(guide)

    def _reduce(self, features: tuple[Tensor, ...]) -> Tensor:
        """(..., C, h, w) of levels (..., C', h', w')."""
        levels = [features[i] for i in self.in_index]
        shape = levels[0].shape
        levels = [
            resize(level.flatten(0, -4), shape[-2:], mode='bilinear', align_corners=True)
            if level.shape[-2:] != shape[-2:]
            else level.flatten(0, -4)
            for level in reversed(levels)
        ]
        if torch.is_grad_enabled():
            reduced = self.reduction(torch.cat(levels, dim=1))
        else:  # by matrix products, which need no concatenation
            weights = self.reduction.weight.flatten(1)
            weights = weights.split([level.shape[1] for level in levels], dim=1)
            pairs = zip(weights, levels, strict=True)
            reduced = sum(
                torch.bmm(weight.expand(len(level), -1, -1), level.flatten(2))
                for weight, level in pairs
            )
            reduced = reduced.unflatten(2, shape[-2:])
        return self.dropout(reduced).unflatten(0, shape[:-3])

    def _place_seeds(self, foreground: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, N, K, S, 2) seeds of (B, N, K, H, W) bool masks."""
        seeds = [
            superpixel_seeds(mask, size, self.max_seeds, self.superpixel_area, self.seeding)
            for mask in foreground.flatten(0, 2).cpu().numpy()
        ]
        seeds = torch.from_numpy(np.stack(seeds)).to(foreground.device)
        return seeds.unflatten(0, foreground.shape[:3])

    def _allocate(self, query: Tensor, state: SupportState) -> tuple[Tensor, Tensor]:
        """Similarity (B, Q, N, 1, h, w) and guide (B, Q, N, h, w) of (B, Q, C, h, w) queries."""
        prototypes, valid = _per_query(state, query.shape[1])
        with torch.autocast(query.device.type, enabled=False):
            queries = _at_least_float32(query.flatten(0, 1))
            maps = allocate(queries, prototypes, valid, self.similarity)
        similarity, guide = (tensor.unflatten(0, query.shape[:2]) for tensor in maps)
        return similarity, guide

    def _decode(
        self, features: tuple[Tensor, ...], state: SupportState
    ) -> tuple[Tensor, list[Tensor]]:
        """Scores (B, Q, 1+N, h, w), and auxiliary ones in training."""
        query = self._reduce(features)
        similarity, guide = (tensor.flatten(0, 1) for tensor in self._allocate(query, state))
        prototypes, _ = _per_query(state, query.shape[1])
        ways, count = prototypes.shape[1:3]
        numbers = torch.arange(count, device=guide.device).view(-1, 1, 1)
        scores = self.decoder(
            query.flatten(0, 1),
            prototypes.to(query.dtype),
            (guide.unsqueeze(2) == numbers).to(query.dtype),
            similarity.to(query.dtype),
            *(level.flatten(0, 1) for level in features),
        )
        scores, *auxiliary = (
            against_background(output, ways).unflatten(0, query.shape[:2]) for output in scores
        )
        return scores, auxiliary


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _check_seeds(seeds: Tensor, mask_shape: torch.Size, size: torch.Size) -> None:
    if seeds.shape[:3] != mask_shape[:3]:
        raise ValueError(
            f'seeds {tuple(seeds.shape)} do not fit masks {tuple(mask_shape)}: expected '
            '(B, N, K, S, 2) for (B, N, K, H, W)'
        )
    last = seeds.flatten(0, -2).amax(0).tolist()
    if any(place >= side for place, side in zip(last, size, strict=True)):
        raise ValueError(
            f'a seed in row {last[0]} or column {last[1]} lies outside features of size '
            f'{tuple(size)}: seeds must be placed at feature size'
        )


def _per_query(state: SupportState, queries: int) -> tuple[Tensor, Tensor]:
    """Prototypes (B * Q, N, P, C) and which are valid (B * Q, N, P)."""
    return tuple(
        tensor.unsqueeze(1).expand(-1, queries, *tensor.shape[1:]).flatten(0, 1)
        for tensor in (state.prototypes, state.valid)
    )


def _join_shots(states: Sequence[SupportState]) -> dict[str, Tensor]:
    """Tensors of a way from those of its shots; clusters are numbered on from shot to shot."""
    before, clusters = 0, []
    for state in states:
        clusters.append(torch.where(state.clusters > 0, state.clusters + before, 0))
        before = before + state.valid.sum(-1)[..., None, None, None].short()
    return dict(
        prototypes=torch.cat([state.prototypes for state in states], dim=2),
        valid=torch.cat([state.valid for state in states], dim=2),
        clusters=_concatenate(clusters, dim=2),
    )


def _concatenate(tensors: Sequence[Tensor], dim: int) -> Tensor:
    """``torch.cat`` of tensors that are filled up with zeros at the end of the other dimensions."""
    shape = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    joined = tensors[0].new_zeros(shape)
    parts = joined.split([tensor.shape[dim] for tensor in tensors], dim)
    for part, tensor in zip(parts, tensors, strict=True):
        part[tuple(map(slice, tensor.shape))] = tensor
    return joined


def against_background(logits: Tensor, ways: int) -> Tensor:
    """Scores of all ways from one background-foreground pair per way.

    Args:
        logits: (M * N, 2, h, w), background first.
        ways: N.

    Returns:
        (M, 1+N, h, w): the mean of the backgrounds, and each way's margin over its own
        background added to that mean.
    """
    background, foreground = logits.unflatten(0, (-1, ways)).unbind(2)
    mean = background.mean(1, keepdim=True)
    return torch.cat([mean, foreground + (mean - background)], dim=1)
