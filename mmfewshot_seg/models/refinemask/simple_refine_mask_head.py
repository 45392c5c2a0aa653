"""The later, lighter mask head ("faster and slightly better").

Shape letters: ``B`` images, ``N`` RoIs, ``C`` channels, ``S`` side of a stage, ``H W`` size of the
semantic level.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.base_refine_mask_head import BaseRefineMaskHead, Maps
from mmfewshot_seg.models.refinemask.fusion_stage import SimpleFusionStage, double
from mmfewshot_seg.models.refinemask.label_logits import label_logits
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class SimpleRefineMaskHead(BaseRefineMaskHead):
    """Without semantic mask and loss, with point samples in place of RoIAlign.

    Parameters are named as in the official code.

    Args:
        add_average: Whether the global average joins the parallel convolutions of a stage.
        pre_upsample_last_stage: Whether the last logits are computed at their own size, or at
            half of it and enlarged.
        loss_mask: Config of the loss.
        kwargs: See :class:`BaseRefineMaskHead`.

    Raises:
        ValueError: See :class:`BaseRefineMaskHead`.

    Source: github.com/zhanggang001/RefineMask of December 2021.
    """

    num_fused_masks = 1

    def __init__(
        self,
        add_average: bool = True,
        pre_upsample_last_stage: bool = False,
        loss_mask: dict = dict(type='mmfewshot_seg.BARCrossEntropyLoss'),  # noqa: B006
        **kwargs,
    ) -> None:
        super().__init__(loss_mask, **kwargs)
        self.pre_upsample_last_stage = pre_upsample_last_stage
        stages = zip(self.stage_channels, self.stage_sup_size, strict=True)
        self.stages = nn.ModuleList(
            SimpleFusionStage(
                channels,
                self.semantic_channels,
                size,
                self.semantic_out_stride,
                self.dilations,
                add_average,
            )
            for channels, size in list(stages)[:-1]
        )
        self.stage_instance_logits = nn.ModuleList(
            nn.Conv2d(channels, classes, 1)
            for channels, classes in zip(self.stage_channels, self.stage_num_classes, strict=True)
        )

    def semantic_maps(self, semantic_feat: Tensor) -> Maps:
        """See :class:`BaseRefineMaskHead`."""
        for conv in self.semantic_convs:
            semantic_feat = conv(semantic_feat)
        convs = [stage.semantic_transform_in for stage in self.stages]
        weight = torch.cat([conv.weight for conv in convs])
        maps = F.conv2d(semantic_feat, weight, torch.cat([conv.bias for conv in convs]))
        maps = F.relu(maps, inplace=True)
        return list(maps.split(self.stage_channels[:-1], dim=1)), None

    def stage_logits(
        self, instance_feats: Tensor, maps: Maps, rois: Tensor, labels: Tensor
    ) -> list[Tensor]:
        """See :class:`BaseRefineMaskHead`."""
        features, found = instance_feats, []
        for conv in self.instance_convs:
            features = conv(features)
        last = len(self.stages) - 1
        for index, (stage, semantic_map) in enumerate(zip(self.stages, maps[0], strict=True)):
            logits = label_logits(self.stage_instance_logits[index], features, labels)
            enlarged = self.pre_upsample_last_stage or index < last
            features = stage(features, logits, semantic_map, rois, enlarged)
            found.append(logits)
        logits = label_logits(self.stage_instance_logits[-1], features, labels)
        return [*found, logits if self.pre_upsample_last_stage else double(logits, True)]
