"""Test-time augmentation of boxes and masks.

Shape letters: ``N`` detections of an image, ``S`` side of the merged logits.
"""

import torch
from mmdet.models.test_time_augs import DetTTAModel
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi, bbox_flip
from mmengine.structures import InstanceData
from torch import Tensor

from mmfewshot_seg.models.refinemask.mask_pasting import paste_masks
from mmfewshot_seg.registry import MODELS, register

FLIPPED_AXES = {'horizontal': [3], 'vertical': [2], 'diagonal': [2, 3]}


@register(MODELS, host='mmdet')
class MaskTTAModel(DetTTAModel):
    """mmdet's augmentation of boxes, then the mean mask of all views in the merged boxes.

    For two-stage detectors with a RoI head of RefineMask. Views may be resized and flipped.

    Args:
        tta_cfg: See mmdet's ``DetTTAModel``: ``nms`` and ``max_per_img``.
        kwargs: See mmengine's ``BaseTTAModel``.

    Examples:
        >>> tta_model = dict(
        ...     type='mmfewshot_seg.MaskTTAModel',
        ...     tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
        ... )
    """

    @torch.no_grad()
    def test_step(self, data: dict) -> list[DetDataSample]:
        """Merged predictions of each image, in its original size.

        Args:
            data: ``inputs`` and ``data_samples``, lists over the views of lists over the images.
        """
        views = [
            self.module.data_preprocessor(dict(zip(data, view, strict=True)), False)
            for view in zip(*data.values(), strict=True)
        ]
        levels = [self.module.extract_feat(view['inputs']) for view in views]
        found = [
            self._boxes(x, view['data_samples']) for x, view in zip(levels, views, strict=True)
        ]
        merged = self.merge_preds(list(zip(*found, strict=True)))
        for index, sample in enumerate(merged):
            probs = [
                self._mask_probs(
                    tuple(level[index : index + 1] for level in x),
                    view['data_samples'][index].metainfo,
                    sample.pred_instances,
                )
                for x, view in zip(levels, views, strict=True)
            ]
            self._paste(sample, torch.stack(probs).mean(0))
        return merged

    def _boxes(self, x: tuple[Tensor, ...], samples: list[DetDataSample]) -> list[DetDataSample]:
        """Boxes of one view of every image, in the original size, still flipped."""
        detector = self.module
        proposals = detector.rpn_head.predict(x, samples, rescale=False)
        boxes = detector.roi_head.predict_bbox(
            x,
            [sample.metainfo for sample in samples],
            proposals,
            rcnn_test_cfg=detector.roi_head.test_cfg,
            rescale=True,
        )
        return detector.add_pred_to_datasample(samples, boxes)

    def _mask_probs(self, x: tuple[Tensor, ...], meta: dict, instances: InstanceData) -> Tensor:
        """(N, 1, S, S) probabilities that one view gives, not flipped any more."""
        boxes, direction = instances.bboxes, meta.get('flip_direction')
        flipped = meta.get('flip', False)
        if flipped:
            boxes = bbox_flip(boxes, meta['ori_shape'], direction)
        rois = bbox2roi([boxes * boxes.new_tensor(meta['scale_factor']).repeat(2)])
        probs = self.module.roi_head.mask_logits(x, rois, instances.labels).sigmoid()
        return probs.flip(FLIPPED_AXES[direction]) if flipped else probs

    def _paste(self, sample: DetDataSample, probs: Tensor) -> None:
        (sample.pred_instances,) = paste_masks(
            [probs.logit()],
            [sample.pred_instances],
            [dict(sample.metainfo, scale_factor=(1.0, 1.0))],
            self.module.roi_head.test_cfg,
            rescale=True,
        )
