"""Pastes the masks of boxes into images, as mmdet does.

Shape letters: ``N`` boxes of an image, ``S`` side of a mask, ``H W`` size of the image.
"""

from collections.abc import Sequence
from functools import cache

import torch
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor


def paste_masks(
    logits: Sequence[Tensor],
    results_list: list[InstanceData],
    batch_img_metas: list[dict],
    rcnn_test_cfg: ConfigDict,
    rescale: bool = False,
) -> list[InstanceData]:
    """Add ``masks`` to the boxes found.

    Args:
        logits: (N, 1, S, S) of each image, for the label of each box.
        results_list: Boxes, in pixels of the network's input, of each image.
        batch_img_metas: Meta information of each image.
        rcnn_test_cfg: With ``mask_thr_binary``, the probability from which on a pixel is inside;
            below 0 the masks are probabilities, 0 to 255.
        rescale: Whether boxes and masks are brought back to the original size.

    Returns:
        ``results_list`` with ``masks``, (N, H, W) bool, or uint8 of probabilities.
    """
    return _pasting_head().predict_by_feat(
        tuple(logits), results_list, batch_img_metas, rcnn_test_cfg, rescale
    )


@cache
def _pasting_head() -> FCNMaskHead:
    """One for all, for the sake of a method; its layers have no memory and are never used."""
    with torch.device('meta'):
        return FCNMaskHead(
            num_convs=0,
            in_channels=1,
            conv_out_channels=1,
            num_classes=1,
            class_agnostic=True,
            upsample_cfg=dict(type=None),
            loss_mask=dict(type='mmdet.CrossEntropyLoss', use_mask=True),
        )
