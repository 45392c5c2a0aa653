"""The published mask head.

Shape letters: ``B`` images, ``N`` RoIs, ``C`` channels, ``S`` side of a stage, ``H W`` size of the
semantic level.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.base_refine_mask_head import BaseRefineMaskHead, Maps
from mmfewshot_seg.models.refinemask.fusion_stage import FusionStage
from mmfewshot_seg.models.refinemask.label_logits import label_logits
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class RefineMaskHead(BaseRefineMaskHead):
    """Mask head of RefineMask; parameters are named as in the official checkpoints.

    Args:
        mask_use_sigmoid: Whether the stages fuse the sigmoid of instance and semantic logits, as in
            every published model, or the logits.
        loss_mask: Config of the loss.
        kwargs: See :class:`BaseRefineMaskHead`.

    Raises:
        ValueError: See :class:`BaseRefineMaskHead`.

    Source: RefineMask (Zhang et al., CVPR 2021), section 3; github.com/zhanggang001/RefineMask
        where the paper leaves it open.
    """

    num_fused_masks = 2

    def __init__(
        self,
        mask_use_sigmoid: bool = True,
        loss_mask: dict = dict(type='mmfewshot_seg.RefineCrossEntropyLoss'),  # noqa: B006
        **kwargs,
    ) -> None:
        super().__init__(loss_mask, **kwargs)
        self.mask_use_sigmoid = mask_use_sigmoid
        stages = zip(self.stage_channels, self.stage_sup_size, self.stage_num_classes, strict=True)
        self.stages = nn.ModuleList(
            FusionStage(
                channels,
                self.semantic_channels,
                size,
                classes,
                mask_use_sigmoid,
                self.semantic_out_stride,
                self.dilations,
            )
            for channels, size, classes in list(stages)[:-1]
        )
        self.final_instance_logits = nn.Conv2d(
            self.stage_channels[-1], self.stage_num_classes[-1], 1
        )
        self.semantic_logits = nn.Conv2d(self.semantic_channels, 1, 1)

    def semantic_maps(self, semantic_feat: Tensor) -> Maps:
        """See :class:`BaseRefineMaskHead`."""
        for conv in self.semantic_convs:
            semantic_feat = conv(semantic_feat)
        convs = [*(stage.semantic_transform_in for stage in self.stages), self.semantic_logits]
        weight = torch.cat([conv.weight for conv in convs])
        mixed = F.conv2d(semantic_feat, weight, torch.cat([conv.bias for conv in convs]))
        logits = mixed[:, -1:].clone()  # not a view, which would keep the rest in memory
        maps = F.relu(mixed[:, :-1], inplace=not torch.is_grad_enabled())
        return list(maps.split(self.stage_channels[:-1], dim=1)), logits

    def stage_logits(
        self, instance_feats: Tensor, maps: Maps, rois: Tensor, labels: Tensor
    ) -> list[Tensor]:
        """See :class:`BaseRefineMaskHead`."""
        semantic_maps, semantic_logits = maps
        semantic_mask = semantic_logits.sigmoid() if self.mask_use_sigmoid else semantic_logits
        features, found = instance_feats, []
        for conv in self.instance_convs:
            features = conv(features)
        for stage, semantic_map in zip(self.stages, semantic_maps, strict=True):
            logits, features = stage(features, semantic_map, semantic_mask, rois, labels)
            found.append(logits)
        return [*found, label_logits(self.final_instance_logits, features, labels)]
