"""What every few-shot head answers: prototypes of a support set, scores of a query, a loss.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``h w``
feature size, ``H W`` image size.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.structures import SupportState


class BaseFewShotHead(BaseModule, metaclass=ABCMeta):
    """Base class of few-shot heads.

    Args:
        align_corners: How logits are enlarged to image size.
        loss_decode: Loss of the query logits. Takes logits, labels and ``ignore_index``.
        ignore_index: Label value that no loss counts.
        init_cfg: See ``BaseModule``.

    Attributes:
        support_extras: Names of further inputs of an episode that :meth:`prototypes` and
            :meth:`loss` take as keywords, where a batch has them.
        takes_negatives: Whether :meth:`join` takes images that show none of the ways.
        presence_levels: What :meth:`presence` usually gives for images without and with a way;
            None if that is not known.
    """

    support_extras: tuple[str, ...] = ()
    takes_negatives: bool = False
    presence_levels: tuple[float, float] | None = None

    def __init__(
        self,
        align_corners: bool = False,
        loss_decode: dict | None = None,
        ignore_index: int = 255,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.align_corners = align_corners
        self.ignore_index = ignore_index
        self.loss_decode = MODELS.build(
            loss_decode or dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True)
        )

    @abstractmethod
    def prototypes(self, features: tuple[Tensor, ...], masks: Tensor) -> SupportState:
        """Fit a support set.

        Args:
            features: Levels of the backbone or neck, each (B, N, K, C, h, w).
            masks: (B, N, K, H, W) int64 episode labels.
        """

    @abstractmethod
    def join(self, states: Sequence[Sequence[SupportState]]) -> SupportState:
        """One support set of supports that were fitted singly.

        Ways may have unlike numbers of shots, and supports unlike sizes. For equal ones it is
        what :meth:`prototypes` gives for all of them at once.

        Args:
            states: N lists, of the states of the K supports of each way; each was fitted as an
                episode of one way and one shot. A head that ``takes_negatives`` takes
                ``negatives`` too, a list of states of images whose mask is empty.
        """

    @abstractmethod
    def scores(self, features: tuple[Tensor, ...], state: SupportState) -> Tensor:
        """Score queries, background first.

        Args:
            features: Levels of the backbone or neck, each (B, Q, C, h, w).
            state: What :meth:`prototypes` returned.

        Returns:
            (B, Q, 1+N, h, w) logits.
        """

    @abstractmethod
    def loss(
        self,
        query_features: tuple[Tensor, ...],
        support_features: tuple[Tensor, ...],
        support_masks: Tensor,
        query_masks: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of a batch of episodes; arguments as above, query_masks (B, Q, H, W) int64."""

    def prototype_maps(
        self, features: tuple[Tensor, ...], state: SupportState
    ) -> tuple[Tensor, Tensor]:
        """Where each prototype comes from and where it speaks, for pictures.

        The prototypes of a way are numbered from 1, shot by shot.

        Args:
            features: Levels of queries, as for :meth:`scores`.
            state: What :meth:`prototypes` returned.

        Returns:
            Clusters (B, N, K, h, w) of the supports, 0 outside the mask, and guides
            (B, Q, N, h, w) of the queries; integers.

        Raises:
            ValueError: If the head has one prototype per way.
        """
        raise ValueError(
            f'{type(self).__name__} has one prototype per way and so no prototype_maps: leave it '
            'out of test_cfg'
        )

    def presence(self, logits: Tensor, state: SupportState) -> Tensor:
        """How sure it is that a query shows each way at all.

        Here by how much the way is ahead of all else where it is most, in a tenth of the query.

        Args:
            logits: (B, Q, 1+N, H, W), of any size.
            state: What :meth:`prototypes` returned.

        Returns:
            (B, Q, N).
        """
        return mean_of_highest(log_odds(logits))

    def resize(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Bilinear resize of (..., classes, h, w) logits to ``size``."""
        flat = logits.flatten(0, -4)
        flat = F.interpolate(flat, size, mode='bilinear', align_corners=self.align_corners)
        return flat.unflatten(0, logits.shape[:-3])

    def query_loss(self, logits: Tensor, query_masks: Tensor) -> Tensor:
        """``loss_decode`` of (B, Q, 1+N, h, w) logits at the size of the (B, Q, H, W) labels."""
        logits = self.resize(logits, query_masks.shape[-2:])
        return self.loss_decode(
            logits.flatten(0, 1), query_masks.flatten(0, 1), ignore_index=self.ignore_index
        )


def mean_of_highest(scores: Tensor, share: float = 0.1) -> Tensor:
    """Mean of the highest scores of a map.

    Args:
        scores: (..., H, W).
        share: Part of the map that counts; at least one position.

    Returns:
        (...).
    """
    flat = scores.flatten(-2)
    return flat.topk(max(round(share * flat.shape[-1]), 1)).values.mean(-1)


def log_odds(logits: Tensor) -> Tensor:
    """By how much each way is ahead of all else together: (..., N, H, W) of (..., 1+N, H, W)."""
    ways = range(1, logits.shape[-3])
    rest = [torch.cat([logits[..., :way, :, :], logits[..., way + 1 :, :, :]], -3) for way in ways]
    return logits[..., 1:, :, :] - torch.stack([others.logsumexp(-3) for others in rest], -3)
