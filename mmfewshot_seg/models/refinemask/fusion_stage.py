"""Semantic fusion: one step of the mask head, from a resolution to twice that.

Shape letters: ``B`` images, ``N`` RoIs, ``C`` channels of the stage, ``S`` its side, ``H W`` size
of the semantic maps.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.label_logits import label_logits
from mmfewshot_seg.models.refinemask.roi_sampling import align_rois, sample_rois


def double(features: Tensor, align_corners: bool) -> Tensor:
    """Bilinear enlargement by two."""
    return F.interpolate(features, scale_factor=2, mode='bilinear', align_corners=align_corners)


class MultiBranchFusion(nn.Module):
    """Dilated 3x3 convolutions side by side, summed, and a 1x1 convolution over the sum.

    Args:
        channels: C, in and out.
        dilations: One branch each; every branch has its own ReLU.
        add_average: Whether the global average of the input is a further branch.
    """

    def __init__(
        self, channels: int, dilations: Sequence[int] = (1, 3, 5), add_average: bool = False
    ) -> None:
        super().__init__()
        self.branches = [f'dilation_conv_{index + 1}' for index in range(len(dilations))]
        for name, dilation in zip(self.branches, dilations, strict=True):
            conv = ConvModule(channels, channels, 3, padding=dilation, dilation=dilation)
            self.add_module(name, conv)
        self.merge_conv = ConvModule(channels, channels, 1, act_cfg=None)
        self.add_average = add_average

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, S, S) to the same."""
        first, *others = (getattr(self, name) for name in self.branches)
        total = first(features)
        for branch in others:
            total = total + branch(features)
        if self.add_average:
            total = total + features.mean((2, 3), keepdim=True)
        return self.merge_conv(total)


class BaseFusionStage(nn.Module):
    """What the two kinds of stages share: fusion of the concatenated features, and narrowing.

    Args:
        channels: C of the incoming instance features.
        semantic_channels: Channels of the semantic trunk.
        size: S.
        num_masks: Masks fused with the features; they make up as many of the C / 2 channels that
            the stage hands on.
        stride: Stride of the semantic maps.
        dilations: See :class:`MultiBranchFusion`.
        add_average: See :class:`MultiBranchFusion`.
    """

    def __init__(
        self,
        channels: int,
        semantic_channels: int,
        size: int,
        num_masks: int,
        stride: int = 4,
        dilations: Sequence[int] = (1, 3, 5),
        add_average: bool = False,
    ) -> None:
        super().__init__()
        self.size = size
        self.stride = stride
        self.semantic_transform_in = nn.Conv2d(semantic_channels, channels, 1)
        fusion = MultiBranchFusion(channels, dilations, add_average)
        self.fuse_conv = nn.ModuleList([nn.Conv2d(2 * channels + num_masks, channels, 1), fusion])
        self.fuse_transform_out = nn.Conv2d(channels, channels // 2 - num_masks, 1)

    def fuse(self, features: Tensor, semantic_features: Tensor, *masks: Tensor) -> Tensor:
        """Join (N, C, S, S) features of both kinds and (N, 1, S, S) masks.

        Returns:
            (N, C / 2 - number of masks, S, S).
        """
        fused = torch.cat([features, semantic_features, *masks], dim=1)
        if fused.is_cpu:  # where the dilated convolutions then take a tenth less time
            fused = fused.contiguous(memory_format=torch.channels_last)
        for conv in (*self.fuse_conv, self.fuse_transform_out):
            fused = F.relu(conv(fused), inplace=True)
        return fused


class FusionStage(BaseFusionStage):
    """Stage of the published method: two masks, appended after the enlargement.

    Args:
        channels: C of the incoming instance features.
        semantic_channels: Channels of the semantic trunk.
        size: S.
        num_classes: Classes of this stage's logits, 1 for class-agnostic.
        mask_use_sigmoid: Whether the instance mask is the sigmoid of the logits or the logits.
        stride: Stride of the semantic maps.
        dilations: See :class:`MultiBranchFusion`.
    """

    def __init__(
        self,
        channels: int,
        semantic_channels: int,
        size: int,
        num_classes: int,
        mask_use_sigmoid: bool = True,
        stride: int = 4,
        dilations: Sequence[int] = (1, 3, 5),
    ) -> None:
        super().__init__(channels, semantic_channels, size, 2, stride, dilations)
        self.mask_use_sigmoid = mask_use_sigmoid
        self.semantic_transform_out = nn.Conv2d(channels, channels, 1)
        self.instance_logits = nn.Conv2d(channels, num_classes, 1)

    def forward(
        self,
        features: Tensor,
        semantic_map: Tensor,
        semantic_mask: Tensor,
        rois: Tensor,
        labels: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Logits of this stage and features of the next.

        Args:
            features: (N, C, S, S) of the instances.
            semantic_map: (B, C, H, W), of ``semantic_transform_in``, rectified.
            semantic_mask: (B, 1, H, W) of any object: probabilities, or logits if the instance
                masks are.
            rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
            labels: (N,).

        Returns:
            (N, 1, S, S) logits and (N, C / 2, 2 S, 2 S) features.
        """
        logits = label_logits(self.instance_logits, features, labels)
        mask = logits.sigmoid() if self.mask_use_sigmoid else logits
        semantic_features = align_rois(semantic_map, rois, self.size, self.stride)
        semantic_features = F.relu(self.semantic_transform_out(semantic_features), inplace=True)
        semantic_mask = align_rois(semantic_mask, rois, self.size, self.stride)
        fused = self.fuse(features, semantic_features, mask, semantic_mask)
        masks = torch.cat([mask, semantic_mask], dim=1)
        return logits, torch.cat([double(fused, False), double(masks, True)], dim=1)


class SimpleFusionStage(BaseFusionStage):
    """Stage of the lighter variant: one mask, appended before the enlargement; no own logits.

    Args:
        channels: C of the incoming instance features.
        semantic_channels: Channels of the semantic trunk.
        size: S.
        stride: Stride of the semantic maps.
        dilations: See :class:`MultiBranchFusion`.
        add_average: See :class:`MultiBranchFusion`.
    """

    def __init__(
        self,
        channels: int,
        semantic_channels: int,
        size: int,
        stride: int = 4,
        dilations: Sequence[int] = (1, 3, 5),
        add_average: bool = True,
    ) -> None:
        super().__init__(channels, semantic_channels, size, 1, stride, dilations, add_average)

    def forward(
        self, features: Tensor, logits: Tensor, semantic_map: Tensor, rois: Tensor, enlarged: bool
    ) -> Tensor:
        """Features of the next stage.

        Args:
            features: (N, C, S, S) of the instances.
            logits: (N, 1, S, S).
            semantic_map: (B, C, H, W), of ``semantic_transform_in``, rectified.
            rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
            enlarged: Whether the result has twice the size.

        Returns:
            (N, C / 2, 2 S, 2 S), or (N, C / 2, S, S).
        """
        mask = logits.sigmoid()
        semantic_features = sample_rois(semantic_map, rois, self.size, self.stride)
        fused = torch.cat([self.fuse(features, semantic_features, mask), mask], dim=1)
        return double(fused, False) if enlarged else fused
