"""Box head: encoder and decoder step by step, folding, scores, boxes of unseen classes, ranking."""

import pytest
import torch
from helpers.zeroshot_configs import SEEN, UNSEEN, WORD_DIM, bbox_head, vectors
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.registry import MODELS

S, U, V = len(SEEN), len(UNSEEN), 20
META = dict(img_shape=(64, 64), scale_factor=(2.0, 4.0))
RESULTS = ('bboxes', 'scores', 'labels')


def build(**options) -> nn.Module:
    torch.manual_seed(0)
    config = bbox_head(num_classes=S, word_dim=WORD_DIM, vocabulary_size=V)
    head = MODELS.build(config | options)
    drawn = torch.tensor(vectors(S + U + 1))
    head.class_vectors.set(drawn[:S], drawn[-1])
    if options.get('vocabulary_size', V):
        head.set_vocabulary(torch.tensor(vectors(V, seed=1)))
    return head


def detected(mode: str, num_unseen: int = U) -> DetectedClasses:
    return DetectedClasses(mode, torch.tensor(vectors(S + num_unseen)[S:]))


def meta(mode: str, num_unseen: int = U) -> dict:
    return dict(META, detected_classes=detected(mode, num_unseen))


def cfg(**options) -> ConfigDict:
    nms = dict(type='nms', iou_threshold=0.5)
    return ConfigDict(dict(score_thr=-10, nms=nms, max_per_img=-1) | options)


def predict(
    head: nn.Module,
    logits: Tensor,
    deltas: Tensor,
    rescale: bool = False,
    mode: str = 'unseen',
    num_unseen: int = U,
    **options,
):
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40], [44, 4, 60, 60]])[: len(logits)]
    rois = torch.cat([torch.zeros(len(boxes), 1), boxes], dim=1)
    metas = [meta(mode, num_unseen)]
    (found,) = head.predict_by_feat((rois,), (logits,), (deltas,), metas, cfg(**options), rescale)
    return found


def test_encoder_and_decoder_step_by_step() -> None:
    head, features = build(), torch.randn(5, 16)
    compared = head.fc_semantic(features) @ head.vocabulary.T
    words = head.kernel_semantic(compared)
    torch.testing.assert_close(head.encode(features), words)
    decoded = head.d_fc_semantic(head.d_kernel_semantic(words) @ head.vocabulary)
    torch.testing.assert_close(head.decode(words), decoded)
    loss = head.reconstruction_loss(features, words)['loss_bbox_reconstruction']
    torch.testing.assert_close(loss, 0.5 * (features - decoded).square().mean())


@pytest.mark.parametrize('vocabulary_size', [V, 0])
def test_one_folded_map_in_inference(vocabulary_size: int) -> None:
    head, x = build(vocabulary_size=vocabulary_size).eval(), torch.randn(6, 16, 7, 7)
    exact = head(x)[0]
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(head(x)[0], exact)
        for parameter in head.parameters():
            parameter.data.mul_(1.5)  # as averaged weights are swapped in
        head.class_vectors.set(torch.tensor(vectors(S, seed=7)))
        folded = head(x)[0]
    torch.testing.assert_close(folded, head(x)[0])
    assert not torch.allclose(folded, exact)


def test_gradients_of_both_encoder_maps() -> None:
    head, features = build(), torch.randn(5, 16)
    head.classify(head.encode(features)).square().sum().backward()
    ours = [head.fc_semantic.weight.grad, head.kernel_semantic.weight.grad]
    words = head.kernel_semantic(head.fc_semantic(features) @ head.vocabulary.T)
    loss = (words @ head.class_vectors.classifier().T).square().sum()
    parameters = [head.fc_semantic.weight, head.kernel_semantic.weight]
    torch.testing.assert_close(ours, list(torch.autograd.grad(loss, parameters)))


def test_certain_class_scores_by_its_similarities() -> None:
    head = build()
    logits = torch.full((1, S + 1), -1e4)
    logits[0, 2] = 1e4
    seen, both = head.class_vectors.seen, detected('generalized')
    expected = torch.cat([seen, both.unseen]) @ seen[2]
    torch.testing.assert_close(head.class_scores(logits, both), expected[None])
    torch.testing.assert_close(expected[2], torch.tensor(1.0))


def _one_per_class() -> tuple[Tensor, Tensor]:
    """Logits of 3 RoIs, whose best seen classes are 3, 0, 3; deltas whose dx is the class."""
    logits = torch.tensor([[0.0, 0, 0, 9, 0], [5, 0, 0, 4, 9], [0, 0, 0, 7, 8]])
    deltas = torch.zeros(3, S, 4)
    deltas[..., 0] = torch.arange(S)
    return logits, deltas.flatten(1)


def _regressors(found, width: Tensor, left: Tensor) -> list[float]:
    """Which class's deltas made the boxes."""
    centres = (found.bboxes[:, 0] + found.bboxes[:, 2]) / 2
    return ((centres - left) / width / 0.1).tolist()


@pytest.mark.parametrize(
    ('unseen_reg', 'expected'),
    [
        ('index', [0, 1, 2, 3, 3, 3]),  # beyond the last seen class, as top_seen
        ('top_seen', [3, 3, 3, 3, 3, 3]),
    ],
)
def test_boxes_of_unseen_classes(unseen_reg: str, expected: list) -> None:
    head = build(unseen_reg=unseen_reg)
    logits, deltas = _one_per_class()
    found = predict(head, logits[:1], deltas[:1], num_unseen=6)
    found = found[found.labels.argsort()]
    regressors = _regressors(found, torch.tensor(10.0), torch.tensor(5.0))
    assert regressors == pytest.approx(expected, abs=1e-3)


def test_expected_box() -> None:
    head = build(unseen_reg='expected')
    logits, deltas = _one_per_class()
    shares = torch.tensor([5.0, 0, 0, 4]).softmax(0)  # the background has none
    found = predict(head, logits[1:2], deltas[1:2])
    expected = (shares * torch.arange(4)).sum().item()
    regressors = _regressors(found, torch.tensor(10.0), torch.tensor(5.0))
    assert regressors == pytest.approx([expected] * U, abs=1e-3)


def test_seen_classes_keep_their_boxes() -> None:
    logits, deltas = _one_per_class()
    for unseen_reg in ('index', 'top_seen', 'expected'):
        head = build(unseen_reg=unseen_reg)
        found = predict(head, logits[:1], deltas[:1], mode='generalized')
        found = found[found.labels < S]
        regressors = _regressors(found, torch.tensor(10.0), torch.tensor(5.0))
        assert regressors == pytest.approx(found.labels.tolist(), abs=1e-3)


def test_class_agnostic_boxes() -> None:
    head, (logits, _) = build(reg_class_agnostic=True), _one_per_class()
    found = predict(head, logits, torch.zeros(3, 4), mode='generalized')
    assert len(found) == 3 * (S + U)
    assert len(found.bboxes.unique(dim=0)) == 3


def test_boxes_in_the_original_image() -> None:
    head, (logits, deltas) = build(), _one_per_class()
    plain = predict(head, logits, deltas)
    rescaled = predict(head, logits, deltas, rescale=True)
    torch.testing.assert_close(rescaled.bboxes * torch.tensor([2.0, 4, 2, 4]), plain.bboxes)
    assert plain.bboxes.min() >= 0 and plain.bboxes.max() <= 64


def test_ranking_of_generalised_mode() -> None:
    head, (logits, deltas) = build(), _one_per_class()
    options = dict(mode='generalized', max_per_img=4)
    apart, together = (
        predict(head, logits, deltas, joint=joint, **options) for joint in (False, True)
    )
    assert (apart.labels < S).sum() == (apart.labels >= S).sum() == 4
    assert len(together) == 4 and together.scores.diff().max() <= 0
    assert together.scores[0] == apart.scores.max()
    favoured = predict(head, logits, deltas, joint=True, seen_factor=-1.0, **options)
    assert (favoured.labels < S).sum() < (together.labels < S).sum()
    seen = predict(head, logits, deltas, seen_factor=0.5, **options)[:4]
    torch.testing.assert_close(seen.scores, 0.5 * apart.scores[:4])


def test_threshold_and_suppression() -> None:
    head = build()
    logits, deltas = torch.zeros(3, S + 1), torch.zeros(3, 4 * S)
    logits[:, 1] = torch.tensor([9.0, 8, 7])
    found = predict(head, logits, deltas, mode='seen', score_thr=0.9)
    assert found.labels.tolist() == [1, 1, 1]  # boxes that do not overlap
    rois = torch.tensor([[0.0, 0, 0, 10, 10]]).expand(3, -1)
    (found,) = head.predict_by_feat((rois,), (logits,), (deltas,), [meta('seen')], cfg())
    assert found.labels.bincount().tolist() == [1] * S
    best = head.class_scores(logits, detected('seen')).amax(0).sort(descending=True).values
    torch.testing.assert_close(found.scores, best)


@pytest.mark.parametrize('mode', ['seen', 'unseen', 'generalized'])
def test_no_rois(mode: str) -> None:
    found = predict(build(), torch.zeros(0, S + 1), torch.zeros(0, 4 * S), mode=mode)
    assert [getattr(found, key).shape[0] for key in RESULTS] == [0, 0, 0]


def test_initialisation() -> None:
    head = build()
    head.init_weights()
    for name in ('fc_reg', 'fc_semantic', 'kernel_semantic'):
        layer = getattr(head, name)
        assert 0.0005 < layer.weight.std() < 0.0015 and not layer.bias.any()
    assert head.d_fc_semantic.weight.std() > 0.1
    assert head.shared_fcs[0].weight.std() > 0.04


def test_vocabulary_of_another_size() -> None:
    with pytest.raises(ValueError, match=r'vocabulary of shape \(3, 12\), expected \(20, 12\)'):
        build().set_vocabulary(torch.tensor(vectors(3)))


def test_learns_seen_classes_and_tells_unseen_ones_apart() -> None:
    """Each unseen class lies between two seen ones, in words as in what is seen of it."""
    head = build()
    seen = torch.eye(S, WORD_DIM)
    unseen = torch.stack([seen[0] + seen[1], seen[2] + seen[3]]) / 2**0.5
    head.class_vectors.set(seen, torch.eye(S + 1, WORD_DIM)[S])
    both = DetectedClasses('generalized', unseen)
    looks = 3 * torch.randn(WORD_DIM, 16)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    labels = torch.arange(S).repeat(8)
    for _ in range(60):
        features = (seen[labels] + 0.1 * torch.randn(len(labels), WORD_DIM)) @ looks
        words = head.encode(features)
        loss = nn.functional.cross_entropy(head.classify(words), labels)
        loss = loss + sum(head.reconstruction_loss(features, words).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    head.eval()
    with torch.no_grad():
        found = [head.class_scores(head.logits(v @ looks), both) for v in (seen, unseen)]
    assert found[0][:, :S].argmax(1).tolist() == list(range(S))
    assert found[1][:, S:].argmax(1).tolist() == [0, 1]
