"""Mask head: one convolution for the class sought, back-projection, losses, tensors it makes."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from helpers.zeroshot_configs import CHANNELS, SEEN, UNSEEN, WORD_DIM, mask_head, vectors
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.registry import MODELS

S, U = len(SEEN), len(UNSEEN)
BACKGROUND = torch.tensor(vectors(1, seed=9)[0])


def build(**options) -> nn.Module:
    torch.manual_seed(0)
    head = MODELS.build(mask_head(num_classes=S, word_dim=WORD_DIM) | options)
    head.init_weights()
    for parameter in head.parameters():
        nn.init.normal_(parameter, std=0.1)
    drawn = torch.tensor(vectors(S + U + 1))
    head.class_vectors.set(drawn[:S], drawn[-1])
    head.class_vectors.bind_background(lambda: BACKGROUND)
    return head


def detected(mode: str, num_unseen: int = U) -> DetectedClasses:
    return DetectedClasses(mode, torch.tensor(vectors(S + num_unseen)[S:]))


def all_logits(head: nn.Module, features: Tensor, background: Tensor) -> tuple[Tensor, Tensor]:
    """Of the seen and unseen classes, as published: every class, one layer after the other."""
    words = head.kernel_semantic(head.convT(features))
    known = head.class_vectors
    seen = torch.cat([background[None], known.seen])
    unseen = torch.cat([background[None], detected('unseen').unseen])
    seen_logits = F.conv2d(words, seen[..., None, None])
    back = F.conv2d(seen_logits, seen.T[..., None, None])
    return seen_logits[:, 1:], F.conv2d(back, unseen[..., None, None])[:, 1:]


@pytest.mark.parametrize('sync', [True, False])
@pytest.mark.parametrize('mode', ['seen', 'unseen', 'generalized'])
def test_logits_of_a_label_are_those_among_all(mode: str, sync: bool) -> None:
    head = build(sync_background=sync)
    features = head(torch.randn(6, CHANNELS, 14, 14))
    background = BACKGROUND if sync else head.class_vectors.word_background
    seen, unseen = all_logits(head, features, background)
    expected = dict(seen=seen, unseen=unseen, generalized=torch.cat([seen, unseen], dim=1))[mode]
    labels = torch.tensor([0, 2, 1, 2, 0, 1])
    if mode == 'generalized':
        labels = torch.tensor([0, S + 2, S, 1, S - 1, S + 1])
    found = head.label_logits(features, labels, detected(mode))
    assert found.shape == (6, 1, 28, 28)
    torch.testing.assert_close(found[:, 0], expected[torch.arange(6), labels])


def test_background_matters_to_unseen_classes_only() -> None:
    head = build()
    features, labels = head(torch.randn(2, CHANNELS, 14, 14)), torch.tensor([1, S])
    before = head.label_logits(features, labels, detected('generalized'))
    head.class_vectors.bind_background(lambda: 2 * BACKGROUND)
    after = head.label_logits(features, labels, detected('generalized'))
    assert torch.equal(before[0], after[0]) and not torch.allclose(before[1], after[1])


class _Largest(TorchDispatchMode):
    """Elements of the largest tensor that any operation gives."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        if isinstance(found, Tensor):
            self.numel = max(self.numel, found.numel())
        return found


@pytest.mark.parametrize('mode', ['unseen', 'generalized'])
def test_nothing_large_is_made_of_many_classes(mode: str) -> None:
    sizes = []
    for count in (1, 1000):
        head, images = build(), torch.randn(3, CHANNELS, 14, 14)
        asked = detected(mode, count)
        labels = torch.full((3,), len(head.class_vectors.targets(asked)) - 1)
        with torch.no_grad(), _Largest() as largest:
            head.label_logits(head(images), labels, asked)
        sizes.append(largest.numel)
    assert sizes[0] == sizes[1] == 3 * CHANNELS * 28 * 28


def _sampled(labels: list[int]) -> tuple:
    boxes = torch.tensor([[4.0, 4, 32, 32]]).expand(len(labels), -1)
    sampled = SimpleNamespace(
        pos_priors=boxes,
        pos_assigned_gt_inds=torch.zeros(len(labels), dtype=torch.int64),
        pos_gt_labels=torch.tensor(labels, dtype=torch.int64),
    )
    masks = torch.zeros(1, 40, 40, dtype=torch.uint8)
    masks[:, 4:18] = 1  # the upper half of the boxes
    truth = InstanceData(masks=BitmapMasks(masks.numpy(), 40, 40))
    return [sampled], [truth], ConfigDict(mask_size=28)


def test_losses() -> None:
    head = build()
    features = head(torch.randn(2, CHANNELS, 14, 14))
    found = head.loss_and_target(features, *_sampled([3, 0]))
    seen, _ = all_logits(head, features, BACKGROUND)
    target = torch.zeros(2, 28, 28)
    target[:, :14] = 1
    assert torch.equal(found['mask_targets'], target)
    logits = seen[[0, 1], [3, 0]]
    losses = found['loss_mask']
    expected = F.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(losses['loss_mask'].squeeze(), expected)
    decoded = head.dconvT(head.d_kernel_semantic(head.kernel_semantic(head.convT(features))))
    expected = 0.5 * (features - decoded).square().mean()
    torch.testing.assert_close(losses['loss_mask_reconstruction'], expected)


@pytest.mark.parametrize('labels', [[3, 0], []])
def test_losses_reach_every_parameter(labels: list) -> None:
    head = build(num_convs=4)
    features = head(torch.randn(len(labels), CHANNELS, 14, 14))
    losses = head.loss_and_target(features, *_sampled(labels))['loss_mask']
    sum(losses.values()).sum().backward()
    assert [n for n, p in head.named_parameters() if p.grad is None] == []
    assert all((loss > 0) == bool(labels) for loss in losses.values())


def test_masks_are_where_the_logits_are_positive() -> None:
    head = build()
    features = head(torch.randn(2, CHANNELS, 14, 14))
    boxes = torch.tensor([[2.0, 3, 30, 31], [0, 0, 28, 28]])
    results = InstanceData(bboxes=boxes, labels=torch.tensor([U - 1, 0]))
    asked = detected('unseen')
    meta = dict(ori_shape=(40, 36), scale_factor=(1.0, 1.0), detected_classes=asked)
    cfg = ConfigDict(mask_thr_binary=0.5)
    (found,) = head.predict_by_feat((features,), [results], [meta], cfg, rescale=True)
    logits = head.label_logits(features, results.labels, asked)[:, 0]
    assert found.masks.shape == (2, 40, 36)
    assert torch.equal(found.masks[0, 3:31, 2:30], logits[0] >= 0)
    assert torch.equal(found.masks[1, :28, :28], logits[1] >= 0)
    assert 0 < found.masks[0].sum() < 28 * 28


def test_no_detections() -> None:
    head = build()
    features = head(torch.zeros(0, CHANNELS, 14, 14))
    labels = torch.zeros(0, dtype=torch.int64)
    assert head.label_logits(features, labels, detected('generalized')).shape == (0, 1, 28, 28)


def test_initialisation() -> None:
    torch.manual_seed(0)
    head = MODELS.build(mask_head(num_classes=S, word_dim=WORD_DIM))
    head.init_weights()
    for layer in (head.convT.conv, head.kernel_semantic, head.dconvT.conv):
        fan_out = layer.weight.shape[0] * 9
        assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
        assert not layer.bias.any()
    assert head.d_kernel_semantic.bias.any()
