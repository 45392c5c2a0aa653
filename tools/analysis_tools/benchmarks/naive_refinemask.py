"""RefineMask's mask head as its paper describes it, step by step: the oracle of ours.

Every stage computes the logits of all classes and then picks those of the labels, cuts RoIs out of
features that it has transformed by itself, and resizes masks to its size whether or not they have
it. Targets are mmdet's ``mask_target`` at every size, from masks of the whole image per RoI.
"""

from functools import partial

import torch
import torch.nn.functional as F
from mmcv.ops import roi_align
from mmdet.structures.mask import mask_target
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask import RefineMaskHead

resize = partial(F.interpolate, mode='bilinear', align_corners=True)


class NaiveRefineMaskHead(RefineMaskHead):
    """``RefineMaskHead()``; its weights fit."""

    def semantic_maps(self, semantic_feat: Tensor) -> tuple[list[Tensor], Tensor]:
        """The output of the semantic trunk, and the semantic logits."""
        for conv in self.semantic_convs:
            semantic_feat = conv(semantic_feat)
        return [semantic_feat], self.semantic_logits(semantic_feat)

    def stage_logits(
        self, instance_feats: Tensor, maps: tuple, rois: Tensor, labels: Tensor
    ) -> list[Tensor]:
        """(N, 1, S, S) of every stage."""
        (semantic_feat,), semantic_logits = maps
        features, found = instance_feats, []
        for conv in self.instance_convs:
            features = conv(features)
        for stage in self.stages:
            logits = _of_labels(stage.instance_logits(features), labels)
            features = _fuse(stage, features, logits, semantic_feat, semantic_logits, rois)
            found.append(logits)
        return [*found, _of_labels(self.final_instance_logits(features), labels)]

    def get_targets(self, sampling_results: list, batch_gt_instances: list) -> list[Tensor]:
        """(N, S, S) of every stage."""
        return [
            mask_target(
                [result.pos_priors for result in sampling_results],
                [result.pos_assigned_gt_inds for result in sampling_results],
                [instances.masks for instances in batch_gt_instances],
                ConfigDict(mask_size=size),
            )
            for size in self.stage_sup_size
        ]

    def semantic_target(self, semantic_logits: Tensor, gt_masks: list) -> Tensor:
        """(B, H, W), of images that all have the padded size."""
        stacks = [masks.to_tensor(torch.float32, semantic_logits.device) for masks in gt_masks]
        union = torch.stack([stack.sum(0).clamp(max=1) for stack in stacks])
        size = semantic_logits.shape[2:]
        resized = F.interpolate(union[:, None], size, mode='bilinear', align_corners=False)
        return (resized[:, 0] >= 0.5).float()


def _of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """(N, K, S, S) to (N, 1, S, S); with K = 1 every label means that channel."""
    rows = torch.arange(len(labels), device=labels.device)
    return logits[rows, labels.clamp(max=logits.shape[1] - 1)][:, None]


def _fuse(
    stage: nn.Module,
    features: Tensor,
    logits: Tensor,
    semantic_feat: Tensor,
    semantic_logits: Tensor,
    rois: Tensor,
) -> Tensor:
    """Features of the next stage."""
    size = stage.size
    semantic = F.relu(stage.semantic_transform_in(semantic_feat), inplace=True)
    semantic = roi_align(semantic, rois, (size, size), 1 / stage.stride, 0, 'avg', True)
    semantic = F.relu(stage.semantic_transform_out(semantic), inplace=True)
    semantic_mask = semantic_logits.sigmoid()
    semantic_mask = roi_align(semantic_mask, rois, (size, size), 1 / stage.stride, 0, 'avg', True)
    masks = [resize(mask, (size, size)) for mask in (logits.sigmoid(), semantic_mask)]
    fused = torch.cat([features, semantic, *masks], dim=1)
    for conv in (*stage.fuse_conv, stage.fuse_transform_out):
        fused = F.relu(conv(fused), inplace=True)
    fused = F.interpolate(fused, scale_factor=2, mode='bilinear', align_corners=False)
    masks = [resize(mask, (2 * size, 2 * size)) for mask in masks]
    return torch.cat([F.relu(fused, inplace=True), *masks], dim=1)
