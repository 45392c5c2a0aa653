"""Logits of the label equal the label's channel of all logits."""

import torch
from torch import nn

from mmfewshot_seg.models.refinemask.label_logits import label_logits


def test_same_as_computing_all_classes() -> None:
    torch.manual_seed(0)
    classifier = nn.Conv2d(6, 5, 1)
    features = torch.randn(4, 6, 3, 3, requires_grad=True)
    labels = torch.tensor([4, 0, 4, 2])
    expected = classifier(features)[torch.arange(4), labels][:, None]
    ours = label_logits(classifier, features, labels)
    torch.testing.assert_close(ours, expected)
    inputs = [features, classifier.weight, classifier.bias]
    weights = torch.randn_like(ours)
    for mine, theirs in zip(
        torch.autograd.grad((ours * weights).sum(), inputs),
        torch.autograd.grad((expected * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_any_label_means_the_only_channel() -> None:
    classifier, features = nn.Conv2d(6, 1, 1), torch.randn(2, 6, 3, 3)
    ours = label_logits(classifier, features, torch.tensor([0, 1202]))
    torch.testing.assert_close(ours, classifier(features))


def test_no_rois() -> None:
    classifier = nn.Conv2d(6, 5, 1)
    logits = label_logits(classifier, torch.zeros(0, 6, 3, 3), torch.zeros(0, dtype=torch.int64))
    assert logits.shape == (0, 1, 3, 3)
    logits.sum().backward()
    assert not classifier.weight.grad.any()
