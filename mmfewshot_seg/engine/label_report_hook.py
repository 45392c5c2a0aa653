"""Tells which labels a training sees."""

from collections.abc import Sequence

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmfewshot_seg.models.semseg.class_labels import check_labels
from mmfewshot_seg.registry import HOOKS, register


@register(HOOKS, host='mmseg')
class LabelReportHook(Hook):
    """Logs which labels are in the first batch of a training, and how much of it is ignored.

    For any ``EncoderDecoder`` of MMSegmentation. A background that counts as a class and should
    not, or a class that is ignored, shows here rather than in an mIoU of 0.

    Raises:
        ValueError: If a label is neither a class of the (last) decode head nor ignored.
    """

    def __init__(self) -> None:
        self.has_reported = False

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | Sequence | None = None
    ) -> None:
        """At the first iteration of this run; ``data_batch`` as the data loader gives it."""
        if self.has_reported:
            return
        self.has_reported = True
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        head = model.decode_head
        head = head[-1] if isinstance(head, nn.ModuleList) else head
        labels = torch.cat([x.gt_sem_seg.data.flatten() for x in data_batch['data_samples']])
        check_labels(labels, head.num_classes, head.ignore_index)
        ignored = labels == head.ignore_index
        found = labels[~ignored].unique().tolist()
        share = ignored.float().mean().item()
        runner.logger.info(
            f'First batch: {len(found)} of {head.num_classes} classes, {found}; '
            f'ignored ({head.ignore_index}): {share:.1%} of the pixels'
        )
