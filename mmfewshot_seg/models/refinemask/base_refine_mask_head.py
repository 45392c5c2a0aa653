"""What the two mask heads share: trunks, targets, losses.

Shape letters: ``B`` images, ``N`` RoIs, ``C`` channels, ``S`` side of a stage, ``H W`` size of the
semantic level.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

from mmcv.cnn import ConvModule
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.mask_targets import (
    semantic_target,
    stage_targets,
    union_masks,
)
from mmfewshot_seg.registry import MODELS

Maps = tuple[list[Tensor], Tensor | None]


class BaseRefineMaskHead(BaseModule, metaclass=ABCMeta):
    """Mask head whose stages double the resolution, each fusing semantic features.

    Args:
        loss_mask: Config of the loss.
        num_classes: Classes of the detector.
        in_channels: Channels of the RoI features and of the semantic level.
        num_convs_instance: 3x3 convolutions before the first stage.
        num_convs_semantic: 3x3 convolutions over the whole semantic level.
        instance_channels: Channels of the first stage; each stage halves them.
        semantic_channels: Channels of the semantic trunk.
        dilations: Dilations of the parallel convolutions of a stage.
        stage_sup_size: Side of the logits of every stage; each doubles the last. A fifth one,
            224, pays for large objects.
        stage_num_classes: Classes of every stage's logits: ``num_classes``, or 1 for
            class-agnostic. By default ``num_classes`` everywhere.
        semantic_level: Index of the semantic level among the levels of the neck.
        semantic_out_stride: Stride of that level.
        init_cfg: Initialisation; by default that of the official code.

    Raises:
        ValueError: If the stages do not double, a stage has another number of classes, or the
            channels do not suffice for so many stages.
    """

    num_fused_masks: int  # channels of masks among those that a stage hands on

    def __init__(
        self,
        loss_mask: dict,
        num_classes: int = 80,
        in_channels: int = 256,
        num_convs_instance: int = 2,
        num_convs_semantic: int = 4,
        instance_channels: int = 256,
        semantic_channels: int = 256,
        dilations: Sequence[int] = (1, 3, 5),
        stage_sup_size: Sequence[int] = (14, 28, 56, 112),
        stage_num_classes: Sequence[int] | None = None,
        semantic_level: int = 0,
        semantic_out_stride: int = 4,
        init_cfg: dict | list | None = None,
    ) -> None:
        if init_cfg is None:
            init_cfg = dict(
                type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu', bias=0
            )
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.dilations = tuple(dilations)
        self.stage_sup_size = tuple(stage_sup_size)
        self.stage_num_classes = tuple(
            stage_num_classes or [num_classes] * len(self.stage_sup_size)
        )
        self.semantic_level = semantic_level
        self.semantic_out_stride = semantic_out_stride
        self.semantic_channels = semantic_channels
        self.stage_channels = [instance_channels >> k for k in range(len(self.stage_sup_size))]
        self._check_stages()
        self.instance_convs = self._trunk(num_convs_instance, instance_channels, 'instance')
        self.semantic_convs = self._trunk(num_convs_semantic, semantic_channels, 'semantic')
        self.loss_mask = MODELS.build(loss_mask)
        weights = self.loss_mask.stage_instance_loss_weight
        if len(weights) != len(self.stage_sup_size):
            self._refuse(
                f'loss_mask has {len(weights)} weights {weights}',
                f'one for each of the {len(self.stage_sup_size)} stages',
            )

    @abstractmethod
    def semantic_maps(self, semantic_feat: Tensor) -> Maps:
        """What the stages need of the semantic level; computed once for all RoIs.

        Args:
            semantic_feat: (B, C, H, W), the level ``semantic_level``.

        Returns:
            The map of every fusion stage, (B, C of the stage, H, W), and the semantic logits,
            (B, 1, H, W), if the head has any.
        """

    @abstractmethod
    def stage_logits(
        self, instance_feats: Tensor, maps: Maps, rois: Tensor, labels: Tensor
    ) -> list[Tensor]:
        """Logits of every stage, for the class of each RoI.

        Args:
            instance_feats: (N, C, S, S) RoI features at the size of the first stage.
            maps: See :meth:`semantic_maps`.
            rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
            labels: (N,) int64.

        Returns:
            (N, 1, S, S) for every stage.
        """

    def forward(
        self, instance_feats: Tensor, semantic_feat: Tensor, rois: Tensor, labels: Tensor
    ) -> tuple[list[Tensor], Tensor | None]:
        """Logits of every stage and, if the head has any, the semantic logits.

        Arguments as of :meth:`semantic_maps` and :meth:`stage_logits`.
        """
        maps = self.semantic_maps(semantic_feat)
        return self.stage_logits(instance_feats, maps, rois, labels), maps[1]

    def get_targets(
        self,
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
        rcnn_train_cfg: ConfigDict | None = None,
    ) -> list[Tensor]:
        """(N, S, S) float targets of the positive RoIs for every stage, 0 or 1."""
        return stage_targets(
            [get_box_tensor(result.pos_priors) for result in sampling_results],
            [result.pos_assigned_gt_inds for result in sampling_results],
            [instances.masks for instances in batch_gt_instances],
            self.stage_sup_size,
        )

    def loss_and_target(
        self,
        mask_preds: tuple[list[Tensor], Tensor | None],
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
        rcnn_train_cfg: ConfigDict | None = None,
    ) -> dict:
        """Losses and targets.

        Args:
            mask_preds: Result of :meth:`forward` for the positive RoIs.
            sampling_results: Sampled RoIs of each image.
            batch_gt_instances: True objects of each image, with ``masks``.
            rcnn_train_cfg: Unused: the sizes are the head's.

        Returns:
            ``loss_mask``, a dict of losses, and ``mask_targets``, see :meth:`get_targets`.
        """
        logits, semantic_logits = mask_preds
        targets = self.get_targets(sampling_results, batch_gt_instances, rcnn_train_cfg)
        inputs = [logits, targets]
        if semantic_logits is not None:
            gt_masks = [instances.masks for instances in batch_gt_instances]
            inputs += [semantic_logits, self.semantic_target(semantic_logits, gt_masks)]
        return dict(loss_mask=self.loss_mask(*inputs), mask_targets=targets)

    def semantic_target(self, semantic_logits: Tensor, gt_masks: list) -> Tensor:
        """(B, H, W) target of (B, 1, H, W) semantic logits: all objects of each image.

        The image is padded to what the logits cover, whether or not the data preprocessor pads
        masks.
        """
        size = tuple(semantic_logits.shape[2:])
        covered = (
            max(side * self.semantic_out_stride, *extents)
            for side, extents in zip(
                size,
                ([m.height for m in gt_masks], [m.width for m in gt_masks]),
                strict=True,
            )
        )
        union = union_masks(gt_masks, tuple(covered))
        return semantic_target(union.to(semantic_logits.device), size)

    def _trunk(self, num_convs: int, channels: int, name: str) -> nn.ModuleList:
        if num_convs < 1:
            self._refuse(f'num_convs_{name}={num_convs}', 'at least 1')
        widths = [self.in_channels, *[channels] * num_convs]
        return nn.ModuleList(ConvModule(*pair, 3, padding=1) for pair in pairwise(widths))

    def _check_stages(self) -> None:
        sizes, classes = self.stage_sup_size, self.stage_num_classes
        if len(sizes) < 2 or any(fine != 2 * coarse for coarse, fine in pairwise(sizes)):
            self._refuse(
                f'stage_sup_size={sizes}',
                'two sizes or more, each twice the one before, e.g. (14, 28, 56, 112)',
            )
        if len(classes) != len(sizes) or set(classes) - {1, self.num_classes}:
            self._refuse(
                f'stage_num_classes={classes}',
                f'for each of the {len(sizes)} stages num_classes={self.num_classes}, or 1 '
                '(class-agnostic)',
            )
        if self.stage_channels[-1] <= self.num_fused_masks:
            self._refuse(
                f'instance_channels={self.stage_channels[0]}',
                f'more than {self.num_fused_masks << (len(sizes) - 1)}: each of the '
                f'{len(sizes) - 1} fusion stages halves them',
            )

    def _refuse(self, found: str, expected: str) -> None:
        raise ValueError(f'{type(self).__name__}: {found}, expected {expected}')
