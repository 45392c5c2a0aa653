"""Zero-shot heads on a GPU give what they give on the CPU, also with classes set there."""

import copy

import pytest
import torch
from helpers.zeroshot_configs import CHANNELS, SEEN, WORD_DIM, bbox_head, mask_head, vectors
from torch import nn

from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.registry import MODELS

SIZES = dict(num_classes=len(SEEN), word_dim=WORD_DIM)
BOTH = DetectedClasses('generalized', torch.tensor(vectors(3, seed=2)))  # vectors on the CPU


def _on_both(config: dict) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    head = MODELS.build(config | SIZES).eval()
    heads = head, copy.deepcopy(head).cuda()
    drawn = torch.tensor(vectors(len(SEEN) + 1))
    for each in heads:  # vectors from the CPU
        each.class_vectors.set(drawn[:-1], drawn[-1])
    return heads


@pytest.mark.gpu
@torch.no_grad()
def test_box_head() -> None:
    x, found = torch.randn(9, CHANNELS, 7, 7), []
    for head in _on_both(bbox_head()):
        device = head.fc_reg.weight.device
        logits, _ = head(x.to(device))
        found.append(head.class_scores(logits, BOTH).cpu())
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@torch.no_grad()
def test_mask_head() -> None:
    x, labels, found = torch.randn(7, CHANNELS, 14, 14), torch.arange(7), []
    for head in _on_both(mask_head()):
        device = head.kernel_semantic.weight.device
        logits = head.label_logits(head(x.to(device)), labels.to(device), BOTH)
        found.append(logits.cpu())
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)
