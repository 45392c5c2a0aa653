"""Invariants, options and errors of the PANet head; numbers are proven by the parity cases."""

import pytest
import torch

from mmfewshot_seg.models.fewshot import PANetHead
from mmfewshot_seg.structures import SupportState


def _episode(ways=2, shots=3, batch=2, queries=2):
    torch.manual_seed(0)
    support = (torch.randn(batch, ways, shots, 6, 5, 5),)
    query = (torch.randn(batch, queries, 6, 5, 5),)
    masks = torch.randint(0, ways + 1, (batch, ways, shots, 17, 17))
    labels = torch.randint(0, ways + 1, (batch, queries, 17, 17))
    return query, support, masks, labels


def test_background_of_joined_supports_is_the_mean_over_ways_of_unlike_shots() -> None:
    def state(background: float, foreground: float) -> SupportState:
        return SupportState(prototypes=torch.tensor([[[background], [foreground]]]))

    joined = PANetHead().join([[state(1.0, 10.0)], [state(2.0, 20.0), state(4.0, 40.0)]])
    assert joined.prototypes.tolist() == [[[2], [10], [30]]]  # (1 + (2 + 4) / 2) / 2


@pytest.mark.parametrize('align_loss', ['predicted', 'annotated', None])
@pytest.mark.parametrize('pooling', ['features_to_mask', 'mask_to_features'])
def test_losses_of_a_batch_are_the_mean_of_its_episodes(align_loss, pooling) -> None:
    # With one way every support pixel is labelled: the mean over pixels is one over images too.
    query, support, masks, labels = _episode(ways=1 if align_loss == 'annotated' else 2)
    head = PANetHead(align_loss=align_loss, pooling=pooling, align_weight=0.5)
    batch = head.loss(query, support, masks, labels)
    rows = [
        head.loss(
            (query[0][i : i + 1],), (support[0][i : i + 1],), masks[i : i + 1], labels[i:][:1]
        )
        for i in range(2)
    ]
    assert set(batch) == {'loss_ce'} | ({'loss_align'} if align_loss else set())
    for name, value in batch.items():
        torch.testing.assert_close(value, (rows[0][name] + rows[1][name]) / 2)


def test_all_ignored_query_and_empty_supports_give_finite_losses_and_gradients() -> None:
    query, support, masks, labels = _episode(ways=1)
    support[0].requires_grad_()
    losses = PANetHead().loss(query, support, torch.zeros_like(masks), torch.full_like(labels, 255))
    sum(losses.values()).backward()
    assert losses['loss_ce'] == 0 and losses['loss_align'].isfinite()
    assert support[0].grad.isfinite().all()


def test_scores_are_float32_under_autocast() -> None:
    query, support, masks, labels = _episode()
    head = PANetHead()
    expected = head.loss(query, support, masks, labels)
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(query, support, masks, labels)
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])


def test_level_is_chosen_by_index() -> None:
    query, support, masks, _ = _episode()
    noise = torch.randn_like(query[0]), torch.randn_like(support[0])
    head = PANetHead(in_index=0)
    state = head.prototypes((support[0], noise[1]), masks)
    expected = head.prototypes(support, masks)
    torch.testing.assert_close(state.prototypes, expected.prototypes)


@pytest.mark.parametrize(
    'option', [dict(metric='cosin'), dict(pooling='mean'), dict(align_loss='gt')]
)
def test_unknown_options_are_refused(option) -> None:
    (name, value), *_ = option.items()
    with pytest.raises(ValueError, match=f"{name}='{value}', expected one of"):
        PANetHead(**option)
