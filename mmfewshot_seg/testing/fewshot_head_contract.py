"""What every few-shot head has to do, as a class of tests.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``h w``
feature size, ``H W`` image size.
"""

import copy
import pickle
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot.base_fewshot_head import BaseFewShotHead
from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.structures import SupportState

_STRIDE = 4
Levels = tuple[Tensor, ...]


class FewShotHeadContract:
    """Tests of a few-shot head; pytest collects them from a subclass whose name begins with Test.

    Attributes:
        head: Config of the head, for levels of 8 and 16 channels and equal size.
        half_tolerance: Largest difference of scores under bfloat16 autocast, as a share of the
            largest score.

    Example::

        class TestMyHead(FewShotHeadContract):
            head = dict(type='MyHead')
    """

    head: ClassVar[dict]
    half_tolerance: ClassVar[float] = 0.1

    channels: ClassVar[tuple[int, ...]] = (8, 16)

    def build(self) -> BaseFewShotHead:
        """The head with random weights, in evaluation mode."""
        torch.manual_seed(0)
        return MODELS.build(self.head).eval()

    def levels(self, *shape: int, size: tuple[int, int] = (6, 5), seed: int = 0) -> Levels:
        """Random levels of the given shape, channels and size behind it."""
        generator = torch.Generator().manual_seed(seed)
        return tuple(torch.randn(*shape, c, *size, generator=generator) for c in self.channels)

    def masks(self, *shape: int, size: tuple[int, int] = (6, 5), seed: int = 0) -> Tensor:
        """Episode labels of supports of shape (B, N, K): a rectangle each."""
        generator = torch.Generator().manual_seed(seed)
        height, width = (side * _STRIDE for side in size)
        masks = torch.zeros(*shape, height, width, dtype=torch.int64)
        for index in torch.cartesian_prod(*map(torch.arange, shape)).view(-1, len(shape)):
            top, left = (torch.rand(2, generator=generator) * 0.3).tolist()
            rows = slice(int(top * height), int((top + 0.6) * height))
            columns = slice(int(left * width), int((left + 0.6) * width))
            masks[(*index, rows, columns)] = index[1] + 1
        masks[..., 0, 0] = 255
        return masks

    def query_masks(self, *shape: int, ways: int, size: tuple[int, int] = (6, 5)) -> Tensor:
        """Random episode labels of queries of shape (B, Q), with void."""
        generator = torch.Generator().manual_seed(7)
        height, width = (side * _STRIDE for side in size)
        masks = torch.randint(0, ways + 1, (*shape, height, width), generator=generator)
        masks[..., :2] = 255
        return masks

    @torch.no_grad()
    def score(self, features: Levels, masks: Tensor, query: Levels) -> Tensor:
        """Scores of queries by supports that are fitted together."""
        head = self.build()
        return head.scores(query, head.prototypes(features, masks))

    # -- presence --------------------------------------------------------------------------------

    @torch.no_grad()
    def test_presence_is_a_number_for_each_query_and_way_at_any_size(self) -> None:
        head = self.build()
        state = head.prototypes(self.levels(2, 3, 1), self.masks(2, 3, 1))
        scores = head.scores(self.levels(2, 4, seed=1), state)
        presence = head.presence(scores, state)
        assert presence.shape == (2, 4, 3) and presence.isfinite().all()
        doubled = scores.repeat_interleave(2, -1).repeat_interleave(2, -2)
        torch.testing.assert_close(head.presence(doubled, state), presence)

    # -- shapes ----------------------------------------------------------------------------------

    def test_scores_have_one_channel_a_way_after_the_background(self) -> None:
        for batch, ways, shots, queries in ((1, 1, 1, 1), (2, 3, 2, 2), (1, 2, 5, 3)):
            scores = self.score(
                self.levels(batch, ways, shots),
                self.masks(batch, ways, shots),
                self.levels(batch, queries, seed=1),
            )
            assert scores.shape == (batch, queries, 1 + ways, 6, 5)
            assert scores.isfinite().all()

    def test_queries_may_have_another_size_than_supports(self) -> None:
        for size in ((6, 5), (3, 9), (11, 4)):
            scores = self.score(
                self.levels(1, 1, 2, size=(7, 6)),
                self.masks(1, 1, 2, size=(7, 6)),
                self.levels(1, 2, size=size, seed=1),
            )
            assert scores.shape == (1, 2, 2, *size)

    # -- supports --------------------------------------------------------------------------------

    def test_order_of_shots_changes_nothing(self) -> None:
        features, masks, query = (
            self.levels(1, 2, 3),
            self.masks(1, 2, 3),
            self.levels(1, 1, seed=1),
        )
        turned = tuple(level[:, :, [2, 0, 1]] for level in features)
        scores = self.score(turned, masks[:, :, [2, 0, 1]], query)
        torch.testing.assert_close(scores, self.score(features, masks, query), atol=1e-4, rtol=1e-4)

    def test_order_of_ways_is_that_of_the_scores(self) -> None:
        features, masks, query = (
            self.levels(1, 3, 2),
            self.masks(1, 3, 2),
            self.levels(1, 1, seed=1),
        )
        order = [2, 0, 1]
        turned = masks[:, order].clone()
        for way, old in enumerate(order):
            turned[:, way][turned[:, way] == old + 1] = way + 1
        scores = self.score(tuple(level[:, order] for level in features), turned, query)
        expected = self.score(features, masks, query)[:, :, [0, *(way + 1 for way in order)]]
        torch.testing.assert_close(scores, expected, atol=1e-4, rtol=1e-4)

    def test_episodes_of_a_batch_do_not_see_each_other(self) -> None:
        features, masks, query = (
            self.levels(3, 2, 2),
            self.masks(3, 2, 2),
            self.levels(3, 1, seed=1),
        )
        scores = self.score(features, masks, query)
        for row in range(3):
            one = slice(row, row + 1)
            alone = self.score(
                tuple(level[one] for level in features),
                masks[one],
                tuple(level[one] for level in query),
            )
            torch.testing.assert_close(scores[one], alone, atol=1e-4, rtol=1e-4)

    def test_queries_of_an_episode_do_not_see_each_other(self) -> None:
        features, masks, query = (
            self.levels(1, 2, 1),
            self.masks(1, 2, 1),
            self.levels(1, 3, seed=1),
        )
        alone = self.score(features, masks, tuple(level[:, 1:2] for level in query))
        together = self.score(features, masks, query)[:, 1:2]
        torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)

    def test_supports_fitted_singly_join_to_those_fitted_together(self) -> None:
        head, shots = self.build(), 3
        features, masks = self.levels(1, 2, shots), self.masks(1, 2, shots)
        query = self.levels(1, 2, seed=1)
        joined = head.join(
            [
                [self._fit_one(head, features, masks, way, shot) for shot in range(shots)]
                for way in range(2)
            ]
        )
        with torch.no_grad():
            scores = head.scores(query, joined)
        assert scores.shape == (1, 2, 3, 6, 5)
        expected = self.score(features, masks, query)
        torch.testing.assert_close(scores, expected, atol=2e-3, rtol=2e-3)

    def test_ways_of_unlike_numbers_of_shots_and_sizes_join(self) -> None:
        head, states = self.build(), []
        for way, sizes in enumerate((((6, 5),), ((4, 7), (6, 5), (9, 3)))):
            shots = []
            for shot, size in enumerate(sizes):
                features = self.levels(1, 2, len(sizes), size=size, seed=shot)
                masks = self.masks(1, 2, len(sizes), size=size)
                shots.append(self._fit_one(head, features, masks, way, shot))
            states.append(shots)
        with torch.no_grad():
            scores = head.scores(self.levels(1, 1, seed=1), head.join(states))
        assert scores.shape == (1, 1, 3, 6, 5)
        assert scores.isfinite().all()

    def test_negatives_join_if_the_head_takes_them(self) -> None:
        head = self.build()
        features, masks, query = (
            self.levels(1, 1, 2),
            self.masks(1, 1, 2),
            self.levels(1, 1, seed=1),
        )
        positive = self._fit_one(head, features, masks, 0, 0)
        negative = self._fit_one(head, features, masks * 0, 0, 1)
        if not head.takes_negatives:
            return
        with torch.no_grad():
            with_it = head.scores(query, head.join([[positive]], negatives=[negative]))
            without = head.scores(query, head.join([[positive]]))
        assert with_it.shape == without.shape
        assert not torch.equal(with_it, without)

    def test_empty_and_void_masks_give_finite_scores(self) -> None:
        features, query = self.levels(1, 2, 2), self.levels(1, 1, seed=1)
        for value in (0, 255):
            masks = self.masks(1, 2, 2)
            masks[:, 0] = value
            assert self.score(features, masks, query).isfinite().all()
            assert self.score(features, torch.full_like(masks, value), query).isfinite().all()

    # -- what is kept ----------------------------------------------------------------------------

    def test_state_is_saved_and_loaded_as_it_was(self, tmp_path: Path) -> None:
        head, query = self.build(), self.levels(2, 1, seed=1)
        with torch.no_grad():
            state = head.prototypes(self.levels(2, 2, 2), self.masks(2, 2, 2))
            state.save(tmp_path / 'state.pth')
            loaded = SupportState.load(tmp_path / 'state.pth')
            torch.testing.assert_close(
                head.scores(query, loaded), head.scores(query, state), atol=0, rtol=0
            )
        for name, value in state.items():
            assert len(value) == 2, f'{name} must have the episodes as first dimension'

    def test_head_is_pickled_and_copied(self) -> None:
        head = self.build()
        for other in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
            assert other.state_dict().keys() == head.state_dict().keys()

    # -- training --------------------------------------------------------------------------------

    def test_losses_are_finite_and_reach_the_features(self) -> None:
        head = self.build().train()
        features = tuple(level.requires_grad_() for level in self.levels(2, 2, 2))
        query = tuple(level.requires_grad_() for level in self.levels(2, 1, seed=1))
        losses = head.loss(query, features, self.masks(2, 2, 2), self.query_masks(2, 1, ways=2))
        assert losses
        assert all('loss' in name and value.isfinite().all() for name, value in losses.items())
        sum(value.mean() for value in losses.values()).backward()
        gradients = [level.grad for level in query if level.grad is not None]
        assert gradients, 'no loss depends on the features of the query'
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert any(gradient.any() for gradient in gradients)

    def test_losses_without_any_label_are_finite(self) -> None:
        head = self.build().train()
        query_masks = torch.full_like(self.query_masks(1, 1, ways=2), 255)
        query = tuple(level.requires_grad_() for level in self.levels(1, 1, seed=1))
        losses = head.loss(query, self.levels(1, 2, 1), self.masks(1, 2, 1) * 0, query_masks)
        total = sum(value.mean() for value in losses.values())
        assert total.isfinite()
        total.backward()
        assert all(level.grad is None or level.grad.isfinite().all() for level in query)

    def test_mixed_precision_is_near_full_precision(self) -> None:
        features, masks, query = (
            self.levels(1, 2, 2),
            self.masks(1, 2, 2),
            self.levels(1, 1, seed=1),
        )
        full = self.score(features, masks, query)
        with torch.autocast('cpu', torch.bfloat16):
            half = self.score(features, masks, query).float()
        assert half.isfinite().all()
        assert (half - full).abs().max() <= self.half_tolerance * full.abs().max()

    @staticmethod
    @torch.no_grad()
    def _fit_one(
        head: BaseFewShotHead, features: Levels, masks: Tensor, way: int, shot: int
    ) -> SupportState:
        """The state of one support, as an episode of one way and one shot."""
        mask = masks[:, way : way + 1, shot : shot + 1].clone()
        mask[mask == way + 1] = 1
        levels = tuple(level[:, way : way + 1, shot : shot + 1] for level in features)
        return head.prototypes(levels, mask)
