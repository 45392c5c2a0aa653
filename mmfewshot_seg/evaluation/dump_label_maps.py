"""Predictions of a test in one file, small enough to be gathered in one process."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import DumpResults
from torch import Tensor

from mmfewshot_seg.registry import METRICS

LEFT_OUT = ('seg_logits', 'gt_sem_seg')


@METRICS.register_module()
class DumpLabelMaps(DumpResults):
    """MMEngine's ``DumpResults`` of label maps: without logits and truth, a byte a pixel.

    500 images of Cityscapes are 1 GB so; with logits of 19 classes and labels of 8 bytes 97 GB,
    which the first process would hold.

    Args:
        kwargs: See ``DumpResults``.
    """

    def process(self, data_batch: dict, predictions: Sequence[dict]) -> None:
        """Keep predictions; ``data_batch`` is not used."""
        kept = [{k: v for k, v in p.items() if k not in LEFT_OUT} for p in predictions]
        start = len(self.results)
        super().process(data_batch, kept)
        self.results[start:] = [_small(sample) for sample in self.results[start:]]


def _small(value: object) -> object:
    """Label maps of nested dicts as uint8, where that holds their values."""
    if isinstance(value, dict):
        return {key: _small(entry) for key, entry in value.items()}
    if isinstance(value, Tensor) and value.dim() > 1 and not value.is_floating_point():
        if value.numel() and 0 <= value.min() and value.max() <= np.iinfo(np.uint8).max:
            return value.to(torch.uint8)
    return value
