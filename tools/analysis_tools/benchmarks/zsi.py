"""Zero-shot heads in generalised mode at the size of the 65/15 split.

The peer of our heads is the published formulation, from the same RoI features to the scores of all
classes, or to the mask of each detection's class. Inputs are random and the same for both.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mmfewshot_seg.models.zeroshot import SemanticMaskHead, ZeroShotBBoxHead
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses

from .naive_zsi import NaiveBBoxHead, NaiveMaskHead

SEEN, UNSEEN, WORD_DIM, VOCABULARY = 65, 15, 300, 4717
CHANNELS, WIDTH = 256, 1024


def bbox_head(side: str, device: str, tiny: bool) -> Callable[[], tuple[Tensor, Tensor]]:
    """Scores of all classes and box deltas of 1,000 proposals.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Where to run.
        tiny: Whether there are but two proposals.
    """
    seen, unseen, background = _vectors(device)
    torch.manual_seed(0)
    vocabulary = (torch.randn(VOCABULARY, WORD_DIM) / WORD_DIM**0.5).to(device)
    x = torch.randn(2 if tiny else 1000, CHANNELS, 7, 7).relu().to(device)
    head = ZeroShotBBoxHead(SEEN, WORD_DIM, VOCABULARY, in_channels=CHANNELS, fc_out_channels=WIDTH)
    head = head.to(device).eval()
    head.class_vectors.set(seen, background)
    both = DetectedClasses('generalized', unseen)
    head.set_vocabulary(vocabulary)
    if side == 'peer':
        classifier = head.class_vectors.classifier()
        naive = NaiveBBoxHead(classifier, unseen, vocabulary, CHANNELS, WIDTH).to(device)
        naive.load_state_dict(head.state_dict())

    @torch.no_grad()
    def ours() -> tuple[Tensor, Tensor]:
        logits, deltas = head(x)
        return head.class_scores(logits, both), deltas

    @torch.no_grad()
    def peer() -> tuple[Tensor, Tensor]:
        logits, deltas, _ = naive(x)
        return naive.scores(logits), deltas

    return ours if side == 'ours' else peer


def mask_head(side: str, device: str, tiny: bool) -> Callable[[], Tensor]:
    """Mask logits of 100 detections.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Where to run.
        tiny: Whether there are but two detections.
    """
    seen, unseen, background = _vectors(device)
    torch.manual_seed(0)
    count = 2 if tiny else 100
    x = torch.randn(count, CHANNELS, 14, 14).relu().to(device)
    labels = torch.randint(SEEN + UNSEEN, (count,)).to(device)
    head = SemanticMaskHead(SEEN, WORD_DIM, in_channels=CHANNELS, conv_out_channels=CHANNELS)
    head = head.to(device).eval()
    head.class_vectors.set(seen, background)
    both = DetectedClasses('generalized', unseen)
    if side == 'peer':
        naive = NaiveMaskHead(head.class_vectors.classifier(), unseen, CHANNELS).to(device)
        weights = head.state_dict()
        for key in ('conv.weight', 'conv.bias'):
            for index in range(4):  # only the last acts
                weights[f'convs.{index}.{key}'] = head.state_dict()[f'convs.0.{key}']
        naive.load_state_dict(weights)

    @torch.no_grad()
    def ours() -> Tensor:
        return head.label_logits(head(x), labels, both)[:, 0]

    @torch.no_grad()
    def peer() -> Tensor:
        return naive(x)[0][torch.arange(count, device=device), labels]

    return ours if side == 'ours' else peer


def _vectors(device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Of the seen classes, the unseen classes and the background."""
    torch.manual_seed(1)
    drawn = torch.randn(SEEN + UNSEEN + 1, WORD_DIM) / WORD_DIM**0.5
    seen, unseen, background = drawn.to(device).split([SEEN, UNSEEN, 1])
    return seen, unseen, background[0]
