"""Alignment loss: hand-computed targets, skipped ways, ignored pixels."""

import math

import torch

from mmfewshot_seg.models.fewshot.prototype_alignment import (
    alignment_loss,
    predicted_query_weights,
)


def test_predicted_weights_are_one_hot_without_gradient() -> None:
    scores = torch.tensor([[[[[3.0, 0.0]], [[1.0, 2.0]]]]], requires_grad=True)
    weights = predicted_query_weights(scores)
    assert not weights.requires_grad
    assert weights.tolist() == [[[[[1.0, 0.0]]], [[[0.0, 1.0]]]]]


def test_loss_by_hand() -> None:
    logits = torch.zeros(1, 2, 1, 2, 1, 3)
    logits[0, 1, 0, 1, 0, 2] = math.log(3)
    masks = torch.tensor([[[[[1, 0, 2]]], [[[1, 255, 2]]]]])
    # Way 1: two labelled pixels at log 2. Way 2: its own pixel only, at log(4/3).
    way_1, way_2 = math.log(2), math.log(4 / 3)
    both = alignment_loss(logits, masks, torch.tensor([[True, True]]))
    torch.testing.assert_close(both, torch.tensor((way_1 + way_2) / 2))
    pixels = alignment_loss(logits, masks)
    torch.testing.assert_close(pixels, torch.tensor((2 * way_1 + way_2) / 3))
    skipped = alignment_loss(logits, masks, torch.tensor([[True, False]]))
    torch.testing.assert_close(skipped, torch.tensor(way_1 / 2))


def test_support_without_labels_counts_as_zero() -> None:
    masks = torch.full((1, 1, 1, 2, 2), 255)
    logits = torch.randn(1, 1, 1, 2, 2, 2, requires_grad=True)
    loss = alignment_loss(logits, masks, torch.tensor([[True]])) + alignment_loss(logits, masks)
    loss.backward()
    assert loss == 0 and (logits.grad == 0).all()
