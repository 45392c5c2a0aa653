"""The mask branch of RefineMask, for any RoI head of mmdet.

Shape letters: ``N`` RoIs, ``S`` side of the merged logits.
"""

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.utils import empty_instances
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmfewshot_seg.models.refinemask.base_refine_mask_head import BaseRefineMaskHead
from mmfewshot_seg.models.refinemask.foreign_roi_heads import foreign_work
from mmfewshot_seg.models.refinemask.mask_pasting import paste_masks
from mmfewshot_seg.models.refinemask.stage_maps import keep_stage_logits
from mmfewshot_seg.models.refinemask.stage_merge import merge_stages

Levels = tuple[Tensor, ...]


class RefineMaskMixin:
    """Mask branch that needs the semantic level, the RoIs and their labels.

    To be put before a RoI head of mmdet. The class that uses it lists its mask heads, each with
    its RoI extractor, as ``mask_branches``; predictions come from the last.

    Args:
        rois_per_chunk: How many RoIs the mask head takes at once in inference; bounds the memory,
            does not change the result.
        kwargs: See the RoI head.

    Raises:
        ValueError: If there is no RoI extractor of the mask branch's own, if RoI features pass
            through a shared head (C4), if options are of a RoI head with work of its own that
            would be left undone, if the mask head is not one of RefineMask, or if it does not fit
            the extractor or the box head.
    """

    mask_branches: list[tuple[BaseRefineMaskHead, nn.Module]]

    def __init__(self, *args, rois_per_chunk: int = 100, **kwargs) -> None:
        if rois_per_chunk < 1:
            self._refuse(f'rois_per_chunk={rois_per_chunk}', 'at least 1')
        if kwargs.get('shared_head') is not None:
            self._refuse(
                'a shared_head (C4 models)',
                'none: RefineMask needs a feature pyramid with a stride-4 level',
            )
        if kwargs.get('mask_head') is not None and kwargs.get('mask_roi_extractor') is None:
            self._refuse(
                'no mask_roi_extractor (the one of the boxes would be shared)',
                'one of its own: RefineMask needs the RoIs, and features of another size',
            )
        if left_undone := foreign_work(type(self), kwargs, kwargs.get('train_cfg')):
            self._refuse(*left_undone)
        super().__init__(*args, **kwargs)
        self.rois_per_chunk = rois_per_chunk
        self.stride_is_checked = False

    def loss(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample],
    ) -> dict[str, Tensor]:
        """Losses of the boxes and masks; arguments as of the RoI head."""
        self._check_stride(x, batch_data_samples)
        return super().loss(x, rpn_results_list, batch_data_samples)

    def predict(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample],
        rescale: bool = False,
    ) -> list[InstanceData]:
        """Boxes and masks; arguments as of the RoI head."""
        self._check_stride(x, batch_data_samples)
        return super().predict(x, rpn_results_list, batch_data_samples, rescale)

    def predict_mask(
        self,
        x: Levels,
        batch_img_metas: list[dict],
        results_list: list[InstanceData],
        rescale: bool = False,
    ) -> list[InstanceData]:
        """Add ``masks`` to the boxes found, which are in pixels of the network's input.

        Args:
            x: Levels of the neck.
            batch_img_metas: Meta information of each image.
            results_list: Boxes and labels of each image.
            rescale: Whether boxes and masks are brought back to the original size.

        Returns:
            ``results_list`` with ``masks``, (number of boxes, height, width), and with
            ``stage_logits`` if ``test_cfg.stage_maps`` asks for them (:func:`keep_stage_logits`).
        """
        rois = bbox2roi([results.bboxes for results in results_list])
        if len(rois) == 0:
            return empty_instances(
                batch_img_metas,
                rois.device,
                task_type='mask',
                instance_results=results_list,
                mask_thr_binary=self.test_cfg.mask_thr_binary,
            )
        labels = torch.cat([results.labels for results in results_list])
        logits = self.mask_logits(x, rois, labels)
        keep_stage_logits(self, x, results_list)
        counts = [len(results) for results in results_list]
        return paste_masks(
            logits.split(counts), results_list, batch_img_metas, self.test_cfg, rescale
        )

    def mask_logits(self, x: Levels, rois: Tensor, labels: Tensor) -> Tensor:
        """Merged logits of all stages, chunk by chunk.

        Args:
            x: Levels of the neck.
            rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
            labels: (N,) int64.

        Returns:
            (N, 1, S, S) float32.
        """
        head, extractor = self.mask_branches[-1]
        levels = _aligned_levels(x, extractor)
        maps = head.semantic_maps(x[head.semantic_level])
        merged = []
        for part, part_labels in zip(
            rois.split(self.rois_per_chunk), labels.split(self.rois_per_chunk), strict=True
        ):
            features = _roi_features(levels, extractor, part).to(x[0].dtype)
            merged.append(merge_stages(head.stage_logits(features, maps, part, part_labels)))
        return torch.cat(merged)

    def stage_logits(
        self, x: Levels, rois: Tensor, labels: Tensor, index: int = -1
    ) -> tuple[list[Tensor], Tensor | None]:
        """Logits of every stage of a mask head, not merged.

        Args:
            x: Levels of the neck.
            rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
            labels: (N,) int64.
            index: Which of ``mask_branches``.

        Returns:
            See :meth:`BaseRefineMaskHead.forward`.
        """
        head, extractor = self.mask_branches[index]
        features = _roi_features(_aligned_levels(x, extractor), extractor, rois).to(x[0].dtype)
        return head(features, x[head.semantic_level], rois, labels)

    def refine_loss(
        self,
        x: Levels,
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
        index: int = -1,
    ) -> dict:
        """Losses of the positive RoIs.

        Without any, the losses of the stages are 0 on the graph of all their parameters.

        Args:
            x: Levels of the neck.
            sampling_results: Sampled RoIs of each image.
            batch_gt_instances: True objects of each image, with ``masks``.
            index: Which of ``mask_branches``.

        Returns:
            ``loss_mask`` and ``mask_targets``, see :meth:`BaseRefineMaskHead.loss_and_target`, and
            ``mask_preds``.
        """
        rois = bbox2roi([result.pos_priors for result in sampling_results])
        labels = torch.cat([result.pos_gt_labels for result in sampling_results])
        predictions = self.stage_logits(x, rois, labels, index)
        head = self.mask_branches[index][0]
        found = head.loss_and_target(predictions, sampling_results, batch_gt_instances)
        return dict(found, mask_preds=predictions)

    def _check_mask_head(
        self, head: nn.Module, extractor: nn.Module, bbox_head: nn.Module | None
    ) -> None:
        if not isinstance(head, BaseRefineMaskHead):
            self._refuse(
                f'mask_head of type {type(head).__name__}',
                'RefineMaskHead or SimpleRefineMaskHead',
            )
        size = extractor.roi_layers[0].output_size
        if tuple(size) != (head.stage_sup_size[0],) * 2:
            self._refuse(
                f'mask_roi_extractor with output_size={size[0]}',
                f"{head.stage_sup_size[0]}, the first of the head's stage_sup_size",
            )
        if extractor.out_channels != head.in_channels:
            self._refuse(
                f'mask_roi_extractor with out_channels={extractor.out_channels}',
                f'{head.in_channels}, the in_channels of the mask head',
            )
        level, strides = head.semantic_level, extractor.featmap_strides
        if level < len(strides) and strides[level] != head.semantic_out_stride:
            self._refuse(
                f'mask_head with semantic_out_stride={head.semantic_out_stride}',
                f'{strides[level]}, the stride of level {level} by the mask_roi_extractor',
            )
        if bbox_head is not None and bbox_head.num_classes != head.num_classes:
            self._refuse(
                f'mask_head with num_classes={head.num_classes}',
                f'{bbox_head.num_classes}, that of the bbox_head',
            )

    def _check_stride(self, x: Levels, batch_data_samples: list[DetDataSample]) -> None:
        """Once: is the semantic level as large as its stride says?"""
        shape = batch_data_samples[0].metainfo.get('batch_input_shape')
        if self.stride_is_checked or shape is None or not self.with_mask:
            return
        head = self.mask_branches[-1][0]
        found, stride = tuple(x[head.semantic_level].shape[2:]), head.semantic_out_stride
        if any(
            abs(side * stride - whole) >= stride for side, whole in zip(found, shape, strict=True)
        ):
            self._refuse(
                f'level {head.semantic_level} of size {found} for images of {tuple(shape)}',
                f'a level of stride {stride}. Set semantic_level and semantic_out_stride of the '
                "mask head to a level of the neck's, of stride 4 where there is one",
            )
        self.stride_is_checked = True

    def _refuse(self, found: str, expected: str) -> None:
        raise ValueError(f'{type(self).__name__}: {found}, expected {expected}')


def _aligned_levels(x: Levels, extractor: nn.Module) -> Levels:
    """The extractor's levels as its RoIAlign needs them: float32, contiguous."""
    return tuple(level.float().contiguous() for level in x[: extractor.num_inputs])


def _roi_features(levels: Levels, extractor: nn.Module, rois: Tensor) -> Tensor:
    with torch.autocast(rois.device.type, enabled=False):
        return extractor(levels, rois.float())
