"""mmdet's RoI head for classes that are known by word vectors."""

from collections.abc import Callable

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmfewshot_seg.models.zeroshot.class_vectors import ClassVectors
from mmfewshot_seg.models.zeroshot.semantic_mask_head import SemanticMaskHead
from mmfewshot_seg.models.zeroshot.zero_shot_bbox_head import ZeroShotBBoxHead
from mmfewshot_seg.registry import MODELS, register

Levels = tuple[Tensor, ...]
TENSOR_MODE_ROIS = 100  # as many as mmdet's own heads take in tensor mode


@register(MODELS, host='mmdet')
class ZeroShotRoIHead(StandardRoIHead):
    """mmdet's RoI head with :class:`ZeroShotBBoxHead` and, if there are masks,
    :class:`SemanticMaskHead`.

    Args:
        kwargs: See mmdet's ``StandardRoIHead``; for ``test_cfg``, ``ZeroShotBBoxHead``.

    Raises:
        ValueError: If the heads are others or differ in the number of classes.
    """

    def init_bbox_head(self, bbox_roi_extractor: dict, bbox_head: dict) -> None:
        """Build the box branch; errors as of the class."""
        check_kind(bbox_head, 'bbox_head', ZeroShotBBoxHead)
        super().init_bbox_head(bbox_roi_extractor, bbox_head)

    def init_mask_head(self, mask_roi_extractor: dict, mask_head: dict) -> None:
        """Build the mask branch; errors as of the class."""
        check_kind(mask_head, 'mask_head', SemanticMaskHead)
        super().init_mask_head(mask_roi_extractor, mask_head)
        if self.mask_head.num_classes != self.bbox_head.num_classes:
            raise ValueError(
                f'mask_head with num_classes={self.mask_head.num_classes}, expected '
                f'{self.bbox_head.num_classes}, that of the bbox_head'
            )

    @property
    def class_vectors(self) -> list[ClassVectors]:
        """Those of every head."""
        heads = [self.bbox_head, *([self.mask_head] if self.with_mask else [])]
        return [head.class_vectors for head in heads]

    def bind_background(self, read: Callable[[], Tensor]) -> None:
        """Have all heads take the background from ``read``: see :class:`ClassVectors`."""
        for vectors in self.class_vectors:
            vectors.bind_background(read)

    def bbox_loss(self, x: Levels, sampling_results: list[SamplingResult]) -> dict:
        """Losses of the boxes, and that of the decoder over all sampled RoIs.

        Args:
            x: Levels of the neck.
            sampling_results: Sampled RoIs of each image.

        Returns:
            ``loss_bbox``, a dict of losses, and ``bbox_feats``.
        """
        rois = bbox2roi([result.priors for result in sampling_results])
        bbox_feats = self.bbox_roi_extractor(x[: self.bbox_roi_extractor.num_inputs], rois)
        if self.with_shared_head:
            bbox_feats = self.shared_head(bbox_feats)
        head = self.bbox_head
        features, deltas = head.features_and_deltas(bbox_feats)
        words = head.encode(features)
        found = head.loss_and_target(
            head.classify(words), deltas, rois, sampling_results, self.train_cfg
        )
        losses = found['loss_bbox'] | head.reconstruction_loss(features, words)
        return dict(loss_bbox=losses, bbox_feats=bbox_feats)

    def forward(
        self,
        x: Levels,
        rpn_results_list: list[InstanceData],
        batch_data_samples: list[DetDataSample],
    ) -> tuple:
        """Class scores and box deltas of all proposals, mask logits of the first 100.

        Each proposal's mask is that of its best class. The classes are those of the first sample.
        """
        rois = bbox2roi([results.bboxes for results in rpn_results_list])
        found = self._bbox_forward(x, rois)
        detected = batch_data_samples[0].detected_classes
        scores = self.bbox_head.class_scores(found['cls_score'], detected)
        if not self.with_mask:
            return scores, found['bbox_pred']
        features = self._mask_forward(x, rois[:TENSOR_MODE_ROIS])['mask_preds']
        labels = scores[:TENSOR_MODE_ROIS].argmax(1)
        return scores, found['bbox_pred'], self.mask_head.label_logits(features, labels, detected)


def check_kind(config: dict, name: str, kind: type) -> None:
    """Is a config that of a class or of one derived from it?

    Raises:
        ValueError: If not.
    """
    given = config['type']
    found = given if isinstance(given, type) else MODELS.get(given)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f'{name} of type {given}, expected {kind.__name__}')
