"""The head of dense matching: supports that grow, negatives, thinning, losses, mistakes."""

import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.models.fewshot import DenseMatchingHead, PANetHead
from mmfewshot_seg.models.fewshot.dense_matching_head import class_shares
from mmfewshot_seg.structures import SupportState


def episode(ways=2, shots=3, batch=2, queries=2):
    torch.manual_seed(0)
    support = tuple(torch.randn(batch, ways, shots, c, 6, 6) for c in (4, 5))
    query = tuple(torch.randn(batch, queries, c, 6, 6) for c in (4, 5))
    masks = torch.randint(0, ways + 1, (batch, ways, shots, 24, 24))
    masks[..., :3, :] = 255
    return query, support, masks, torch.randint(0, ways + 1, (batch, queries, 24, 24))


def single(seed: int, mark=None) -> SupportState:
    """State of one support with one way."""
    torch.manual_seed(seed)
    masks = torch.zeros(1, 1, 1, 12, 12, dtype=torch.long)
    masks[..., 2:8, 3:9] = 1
    if mark is not None:
        masks.fill_(mark)
    features = tuple(torch.randn(1, 1, 1, c, 6, 6) for c in (4, 5))
    with torch.no_grad():
        return DenseMatchingHead().prototypes(features, masks)


def test_shares_by_hand() -> None:
    masks = torch.tensor([[0, 0, 1, 1], [0, 2, 1, 255]]).view(1, 1, 1, 2, 4).repeat(1, 2, 1, 1, 1)
    shares = class_shares(masks, (1, 2))[0, :, :, 0, 0]  # (1+N, N, w)
    assert shares[0].tolist() == [[0.75, 0], [0.75, 0]]  # background, in the images of both ways
    assert shares[1].tolist() == [[0, 0.75], [0, 0]]  # way 1 counts in its own images alone
    assert shares[2].tolist() == [[0, 0], [0.25, 0]]


@torch.no_grad()
def test_half_floats_outside_training_cost_little() -> None:
    query, support, masks, _ = episode()
    head = DenseMatchingHead()
    state = head.prototypes(support, masks)
    assert state.features.dtype == torch.float16
    with torch.enable_grad():
        exact = head.prototypes(support, masks)
    assert exact.features.dtype == torch.float32
    difference = head.scores(query, state) - head.scores(query, exact)
    assert difference.abs().max() < 0.02  # of logits that span 40


def test_a_copy_of_the_support_finds_its_mask() -> None:
    torch.manual_seed(0)
    features = torch.randn(1, 1, 1, 16, 8, 8)
    masks = torch.zeros(1, 1, 1, 8, 8, dtype=torch.long)
    masks[..., 2:6, 1:5] = 1
    head = DenseMatchingHead(in_index=-1)
    scores = head.scores((features[:, 0],), head.prototypes((features,), masks))
    assert torch.equal(scores.argmax(2)[0, 0], masks[0, 0, 0])


def test_unlike_numbers_of_shots_and_negatives_join() -> None:
    one, two, other, negative = single(0), single(1), single(2), single(3, mark=0)
    head = DenseMatchingHead()
    state = head.join([[one, two], [other]], negatives=[negative])
    assert state.weights.shape == (1, 3, 4 * 36)
    backgrounds = [s.weights[0, 0] for s in (one, two, other, negative)]
    assert torch.equal(state.weights[0, 0], torch.cat(backgrounds))
    assert torch.equal(state.weights[0, 1, :36], one.weights[0, 1])
    assert state.weights[0, 1, 72:].sum() == 0
    assert torch.equal(state.weights[0, 2, 72:108], other.weights[0, 1])
    assert state.weights[0, 1:, 108:].sum() == 0


def test_a_negative_turns_what_it_shows_into_background() -> None:
    positive, negative = single(0), single(1, mark=0)
    look_alike = positive.features[0, 14].float()  # a position of the object
    negative.features[0, 5] = look_alike.half()
    query = tuple(x[None, None, :, None, None] for x in look_alike.split([4, 5]))
    head = DenseMatchingHead()
    scores = [
        head.scores(query, head.join([[positive]], negatives=negatives)).flatten()
        for negatives in ([], [negative])
    ]
    assert scores[0][1] > scores[0][0] + 1
    assert scores[1][0] > scores[0][0] + 1


def test_thinned_supports_keep_the_areas_and_most_of_the_answer() -> None:
    torch.manual_seed(0)
    smooth = F.interpolate(torch.randn(2, 9, 4, 4), (12, 12), mode='bilinear')
    query, support = smooth[:1, None], smooth[1:, None, None]
    masks = torch.zeros(1, 1, 1, 48, 48, dtype=torch.long)
    masks[..., 10:30, 8:40] = 1
    with torch.no_grad():
        whole, thin = (
            DenseMatchingHead(in_index=-1, max_positions=n).prototypes((support,), masks)
            for n in (None, 40)
        )
        assert thin.features.shape == (1, 80, 9)
        torch.testing.assert_close(thin.weights.sum(-1), whole.weights.sum(-1))
        head = DenseMatchingHead(in_index=-1)
        answers = [head.scores((query,), state).argmax(2) for state in (whole, thin)]
        assert (answers[0] == answers[1]).float().mean() > 0.85


def test_thinning_as_many_centres_as_positions_is_exact() -> None:
    torch.manual_seed(0)
    features = torch.randn(1, 1, 1, 9, 4, 4)
    masks = torch.zeros(1, 1, 1, 4, 4, dtype=torch.long)
    masks[..., 1:3, :] = 1
    query = (torch.randn(1, 1, 9, 4, 4),)
    with torch.no_grad():
        states = [
            DenseMatchingHead(in_index=-1, max_positions=n).prototypes((features,), masks)
            for n in (None, 8)
        ]
        whole, thin = (DenseMatchingHead(in_index=-1).scores(query, state) for state in states)
    torch.testing.assert_close(thin, whole, rtol=1e-3, atol=1e-2)


def test_thinned_supports_survive_empty_and_tiny_masks() -> None:
    query, support, masks, _ = episode()
    masks[0, 0] = 0
    masks[1, 1] = 0
    masks[1, 1, :, 5, 5] = 2
    head = DenseMatchingHead(max_positions=3)
    with torch.no_grad():
        state = head.prototypes(support, masks)
        assert head.scores(query, state).isfinite().all()
    assert state.weights[1, 2].sum() == pytest.approx(3 / 16)


def test_losses_are_finite_and_train_the_encoder() -> None:
    query, support, masks, labels = episode()
    for level in (*query, *support):
        level.requires_grad_()
    losses = DenseMatchingHead().loss(query, support, masks, labels)
    assert set(losses) == {'loss_ce', 'loss_align'}
    sum(losses.values()).backward()
    assert all(level.grad.abs().sum() > 0 for level in (*query, *support))
    assert set(DenseMatchingHead(align_weight=0).loss(query, support, masks, labels)) == {'loss_ce'}


def test_losses_of_a_batch_are_the_mean_of_its_episodes() -> None:
    query, support, masks, labels = episode()
    head = DenseMatchingHead()
    batch = head.loss(query, support, masks, labels)
    rows = [
        head.loss(
            tuple(x[i : i + 1] for x in query),
            tuple(x[i : i + 1] for x in support),
            masks[i : i + 1],
            labels[i : i + 1],
        )
        for i in range(2)
    ]
    for name in ('loss_ce', 'loss_align'):
        torch.testing.assert_close(batch[name], (rows[0][name] + rows[1][name]) / 2)


def test_alignment_segments_the_support_by_the_prediction() -> None:
    torch.manual_seed(0)
    features = torch.randn(1, 1, 16, 8, 8)
    masks = torch.zeros(1, 1, 1, 8, 8, dtype=torch.long)
    masks[..., 2:6, 1:5] = 1
    weights = F.one_hot(masks[:, 0], 2).permute(0, 4, 1, 2, 3).float()
    head = DenseMatchingHead(in_index=-1)
    logits = head.support_logits((features,), weights, (features[:, None],), masks)
    assert torch.equal(logits.argmax(3), masks)


def test_half_precision_changes_nothing() -> None:
    query, support, masks, labels = episode()
    head = DenseMatchingHead()
    expected = head.loss(query, support, masks, labels)
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(query, support, masks, labels)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_panet_takes_several_levels_too() -> None:
    query, support, masks, labels = episode()
    head = PANetHead(in_index=(0, 1))
    state = head.prototypes(support, masks)
    assert state.prototypes.shape == (2, 3, 9)
    assert head.scores(query, state).shape == (2, 2, 3, 6, 6)
    assert all(value.isfinite() for value in head.loss(query, support, masks, labels).values())


@pytest.mark.parametrize(
    'wrong', [dict(temperature=0.02), dict(area_power=1.5), dict(max_positions=1)]
)
def test_numbers_out_of_range(wrong) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f'{name}='):
        DenseMatchingHead(**wrong)


def test_presence_by_a_slow_form() -> None:
    head = DenseMatchingHead(in_index=0, temperature=0.1, area_power=0.25)
    torch.manual_seed(0)
    support, query = torch.randn(1, 1, 2, 3, 4, 5), torch.randn(1, 1, 3, 4, 5)
    masks = torch.zeros(1, 1, 2, 4, 5, dtype=torch.long)
    masks[..., 1:3, 1:4] = 1
    with torch.no_grad():
        state = head.prototypes((support,), masks)
        presence = head.presence(head.scores((query,), state), state)
    way = F.normalize(support, dim=3)[0, 0, :, :, 1:3, 1:4].transpose(0, 1).flatten(1)
    likeness = [
        0.1 * ((position @ way) / 0.1).exp().mean().log()
        for position in F.normalize(query, dim=2)[0, 0].flatten(1).T
    ]
    highest = sorted(likeness)[-2:]  # a tenth of 20 positions
    assert float(presence) == pytest.approx(float(sum(highest) / 2), abs=2e-3)


@pytest.mark.parametrize('levels', [(0.3, 0.1), (0.2, 0.2)])
def test_presence_levels_in_the_wrong_order(levels) -> None:
    with pytest.raises(ValueError, match='presence_levels='):
        DenseMatchingHead(presence_levels=levels)
