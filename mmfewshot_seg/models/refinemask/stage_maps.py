"""Keeps what every stage says of some detections, for pictures.

Shape letters: ``S`` side of a stage.
"""

from collections.abc import Sequence

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn


def keep_stage_logits(
    roi_head: nn.Module, x: tuple[Tensor, ...], results_list: Sequence[InstanceData]
) -> None:
    """Add ``stage_logits`` to the detections of each image that have the highest scores.

    They are computed anew for these detections alone, so that nothing else depends on pictures.

    Args:
        roi_head: A RoI head of RefineMask. Its ``test_cfg.stage_maps`` says how many detections of
            an image get the field; by default none.
        x: Levels of the neck.
        results_list: Boxes, in pixels of the network's input, labels and scores of each image.
            Their new field has per detection a tuple of (S, S) float32 tensors on the CPU, coarse
            to fine, or ``None``.

    Raises:
        ValueError: If ``stage_maps`` is negative.
    """
    count = roi_head.test_cfg.get('stage_maps', 0)
    if count < 0:
        raise ValueError(f'test_cfg.rcnn.stage_maps={count}, expected 0 or more detections')
    if count == 0:
        return
    chosen = [results.scores.topk(min(count, len(results))).indices for results in results_list]
    pairs = list(zip(results_list, chosen, strict=True))
    rois = bbox2roi([results.bboxes[indices] for results, indices in pairs])
    labels = torch.cat([results.labels[indices] for results, indices in pairs])
    stages, _ = roi_head.stage_logits(x, rois, labels)
    by_roi = zip(*(logits.squeeze(1).float().cpu() for logits in stages), strict=True)
    for results, indices in pairs:
        found = [None] * len(results)
        for index in indices.tolist():
            found[index] = next(by_roi)
        results.stage_logits = found
