"""Labels of classes, compared with the classes; what the losses of classes have in common."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def check_labels(labels: Tensor, num_classes: int, ignore_index: int = 255) -> None:
    """Refuse labels outside the classes, for which PyTorch's losses have no clear message.

    Raises:
        ValueError: If a label is neither a class nor ignored.
    """
    wrong = ((labels < 0) | (labels >= num_classes)) & (labels != ignore_index)
    if wrong.any():
        raise ValueError(
            f'labels {labels[wrong].unique().tolist()} are outside the {num_classes} classes '
            f'(0 to {num_classes - 1}; {ignore_index} is ignored): set num_classes of the head, or '
            'reduce_zero_label or label_map of the data set'
        )


def class_logits(logits: Tensor) -> Tensor:
    """Logits of every class: a single output tells class 1 from class 0, whose logit is then 0.

    The softmax of the two is the sigmoid of the one. So MMSegmentation predicts, too.

    Args:
        logits: (B, K, H, W).

    Returns:
        (B, max(K, 2), H, W).
    """
    return torch.cat([torch.zeros_like(logits), logits], 1) if logits.shape[1] == 1 else logits


def label_count(num_classes: int, out_channels: int) -> int:
    """How many labels a head tells apart: two by a single output, whatever it calls them."""
    return max(num_classes, 2) if out_channels == 1 else num_classes


def losses_of(head: nn.Module) -> list[nn.Module]:
    """The losses of a decode head, which MMSegmentation keeps as one or as a list."""
    losses = head.loss_decode
    return list(losses) if isinstance(losses, nn.ModuleList) else [losses]


def check_single_output(losses: Iterable[nn.Module], name: str, outputs: str) -> None:
    """Refuse MMSegmentation's cross-entropy of several classes where there is a single output.

    Args:
        losses: Losses of the output.
        name: Option of the head that names them.
        outputs: What has a single output, for the message.

    Raises:
        ValueError: If one is a softmax.
    """
    for loss in losses:
        if getattr(loss, 'use_sigmoid', True) or getattr(loss, 'use_mask', False):
            continue
        raise ValueError(
            f'{name}: {type(loss).__name__} compares several outputs, but {outputs}: give it '
            'use_sigmoid=True'
        )


def check_reduction(reduction: str | None) -> None:
    """Refuse what our losses do not know of MMSegmentation's ``reduction_override``.

    Raises:
        ValueError: If it is neither None nor ``'none'``, which samplers of pixels ask for.
    """
    if reduction not in (None, 'none'):
        raise ValueError(f"reduction_override={reduction!r}, expected None or 'none'")
