"""Boxes whose classes are known by word vectors.

Shape letters: ``R`` RoIs, ``C`` width of the head, ``D`` length of a word vector, ``V`` words of
the vocabulary, ``S`` seen classes, ``K`` classes to detect, ``M`` detections.
"""

import torch
import torch.nn.functional as F
from mmcv.ops import batched_nms
from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmdet.structures.bbox import get_box_tensor, scale_boxes
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmfewshot_seg.models.zeroshot.class_vectors import ClassVectors
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.models.zeroshot.reconstruction_loss import reconstruction_loss
from mmfewshot_seg.models.zeroshot.value_cache import ValueCache
from mmfewshot_seg.registry import MODELS, register

UNSEEN_REGRESSORS = ('index', 'top_seen', 'expected')


@register(MODELS, host='mmdet')
class ZeroShotBBoxHead(Shared2FCBBoxHead):
    """Encodes RoI features as words; a decoder, in training only, keeps the encoder faithful.

    The encoder is affine: features are mapped to D numbers, these compared with the words of a
    vocabulary, and the comparisons mapped to D numbers again, which are compared with the fixed
    vectors of the seen classes and the background. Scores of any class are the similarities of its
    vector and those, weighted by their probabilities. Which classes those are is told with each
    image, by ``detected_classes`` in its meta information (:class:`DetectedClasses`).

    In ``test_cfg.rcnn``:

    * ``joint``: in generalised mode, whether seen and unseen classes compete for ``max_per_img``
      detections, or have as many each, as published (default).
    * ``seen_factor``: in generalised mode, what scores of seen classes are multiplied by (default
      1). Below 1 it favours unseen classes, whose scores are lower.

    Args:
        num_classes: S.
        word_dim: D.
        vocabulary_size: V; 0 for an encoder without vocabulary, one map from C to D numbers.
        unseen_reg: Which box an unseen class has, where those of seen classes have one each:
            ``'index'``, that of the seen class of the same number, as published (classes beyond
            number S, that of ``'top_seen'``); ``'top_seen'``, that of the most probable seen class;
            ``'expected'``, the mean over the seen classes by their probabilities.
        reconstruction_weight: Factor of the decoder's loss.
        init_cfg: Initialisation; by default the published one.
        kwargs: See mmdet's ``Shared2FCBBoxHead``; with ``reg_class_agnostic`` all classes share a
            box.

    Attributes:
        class_vectors: :class:`ClassVectors`, to be set before use.
        vocabulary: (V, D) buffer, to be set before use; not in the state dict.

    Raises:
        ValueError: If ``unseen_reg`` is none of these.

    Source: Zero-Shot Instance Segmentation (Zheng et al., CVPR 2021), section 3.2;
        github.com/zhengye1995/Zero-shot-Instance-Segmentation where it differs.
    """

    def __init__(
        self,
        num_classes: int,
        word_dim: int,
        vocabulary_size: int = 0,
        unseen_reg: str = 'index',
        reconstruction_weight: float = 0.5,
        init_cfg: dict | list | None = None,
        **kwargs,
    ) -> None:
        if unseen_reg not in UNSEEN_REGRESSORS:
            raise ValueError(
                f'{type(self).__name__}: unseen_reg={unseen_reg!r}, expected one of '
                f'{", ".join(UNSEEN_REGRESSORS)}'
            )
        if init_cfg is None:
            init_cfg = _published_init(vocabulary_size > 0)
        super().__init__(num_classes=num_classes, init_cfg=init_cfg, **kwargs)
        self.unseen_reg = unseen_reg
        self.reconstruction_weight = reconstruction_weight
        self.fc_cls = nn.Identity()  # so that mmdet's forward gives the features, and the deltas
        self.fc_semantic = nn.Linear(self.cls_last_dim, word_dim)
        self.d_fc_semantic = nn.Linear(word_dim, self.cls_last_dim)
        if vocabulary_size:
            self.kernel_semantic = nn.Linear(vocabulary_size, word_dim)
            self.d_kernel_semantic = nn.Linear(word_dim, vocabulary_size)
        self.class_vectors = ClassVectors(num_classes, word_dim)
        self.register_buffer('vocabulary', torch.zeros(vocabulary_size, word_dim), persistent=False)
        self._folded_classifier = ValueCache()

    def set_vocabulary(self, vocabulary: Tensor) -> None:
        """Replace the words, (V, D).

        Raises:
            ValueError: If the shape is another.
        """
        vocabulary = torch.as_tensor(vocabulary).to(self.vocabulary)
        if vocabulary.shape != self.vocabulary.shape:
            raise ValueError(
                f'vocabulary of shape {tuple(vocabulary.shape)}, expected '
                f'{tuple(self.vocabulary.shape)}: one row per word'
            )
        self.vocabulary = vocabulary

    def features_and_deltas(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R, C) features that are encoded, and (R, 4S) deltas, from RoI features."""
        return super().forward(x)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and box deltas.

        Args:
            x: (R, in_channels, height, width) RoI features.

        Returns:
            (R, S + 1) logits, the background last, and (R, 4S) deltas; 4 if class-agnostic.
        """
        features, deltas = self.features_and_deltas(x)
        return self.logits(features), deltas

    def encode(self, features: Tensor) -> Tensor:
        """(R, D) words of (R, C) features."""
        words = self.fc_semantic(features)
        if not len(self.vocabulary):
            return words
        # Without the (R, V) comparisons: V is larger than D and, mostly, than R.
        kernel = self.kernel_semantic
        return F.linear(words, kernel.weight @ self.vocabulary, kernel.bias)

    def decode(self, words: Tensor) -> Tensor:
        """(R, C) features of (R, D) words."""
        if len(self.vocabulary):
            kernel, vocabulary = self.d_kernel_semantic, self.vocabulary.T
            words = F.linear(words, vocabulary @ kernel.weight, vocabulary @ kernel.bias)
        return self.d_fc_semantic(words)

    def classify(self, words: Tensor) -> Tensor:
        """(R, S + 1) logits of (R, D) words, the background last."""
        return F.linear(words, self.class_vectors.classifier())

    def logits(self, features: Tensor) -> Tensor:
        """(R, S + 1) of (R, C) features; in inference by one map, which is remembered."""
        if self.training or torch.is_grad_enabled():
            return self.classify(self.encode(features))
        tensors = [self.class_vectors.classifier(), *self.fc_semantic.parameters()]
        if len(self.vocabulary):
            tensors += [*self.kernel_semantic.parameters(), self.vocabulary]
        return F.linear(features, *self._folded_classifier(_fold, *tensors))

    def reconstruction_loss(self, features: Tensor, words: Tensor) -> dict[str, Tensor]:
        """Loss of the decoder, for (R, C) features of all sampled RoIs and their (R, D) words."""
        loss = reconstruction_loss(features, self.decode(words), self.reconstruction_weight)
        return dict(loss_bbox_reconstruction=loss)

    def class_scores(self, cls_score: Tensor, detected: DetectedClasses) -> Tensor:
        """(R, K) scores of the classes to detect, from (R, S + 1) logits; float32.

        Similarities, not probabilities: a certain seen class scores the square of its vector's
        norm.
        """
        with torch.autocast(cls_score.device.type, enabled=False):
            similarity = self.class_vectors.similarity(detected).float()
            return cls_score.float().softmax(1) @ similarity

    def _predict_by_feat_single(
        self,
        roi: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        img_meta: dict,
        rescale: bool = False,
        rcnn_test_cfg: ConfigDict | None = None,
    ) -> InstanceData:
        detected = img_meta['detected_classes']
        first_unseen = self.class_vectors.first_unseen(detected.mode)
        scores = self.class_scores(cls_score, detected)
        if detected.mode == 'generalized':
            scores[:, :first_unseen] *= rcnn_test_cfg.get('seen_factor', 1.0)
        rows, labels = (scores > rcnn_test_cfg.score_thr).nonzero().unbind(1)
        deltas = self._class_deltas(cls_score, bbox_pred, rows, labels, first_unseen)
        boxes = self.bbox_coder.decode(roi[rows, 1:], deltas, max_shape=img_meta['img_shape'])
        if rescale and len(boxes):
            boxes = scale_boxes(boxes, [1 / factor for factor in img_meta['scale_factor']])
        candidates = InstanceData(
            bboxes=get_box_tensor(boxes).float(), scores=scores[rows, labels], labels=labels
        )
        return suppress(
            candidates, first_unseen if detected.mode == 'generalized' else 0, rcnn_test_cfg
        )

    def _class_deltas(
        self, cls_score: Tensor, bbox_pred: Tensor, rows: Tensor, labels: Tensor, first_unseen: int
    ) -> Tensor:
        """(M, 4) deltas of pairs of a RoI and a label."""
        if self.reg_class_agnostic:
            return bbox_pred[rows]
        deltas = bbox_pred.unflatten(1, (self.num_classes, -1))
        seen_logits = cls_score[:, : self.num_classes]
        number = labels - first_unseen  # among the unseen classes; negative for seen ones
        if self.unseen_reg == 'expected':
            mean = (seen_logits.softmax(1)[:, None] @ deltas).squeeze(1)
            of_seen = deltas[rows, labels.clamp(max=self.num_classes - 1)]
            return mean[rows].where(number[:, None] >= 0, of_seen)
        regressor = seen_logits.argmax(1)[rows]
        if self.unseen_reg == 'index':
            regressor = number.where(number < self.num_classes, regressor)
        return deltas[rows, regressor.where(number >= 0, labels)]


def _fold(
    classifier: Tensor,
    weight: Tensor,
    bias: Tensor,
    kernel: Tensor | None = None,
    kernel_bias: Tensor | None = None,
    vocabulary: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Weight (S + 1, C) and bias of encoder and classifier as one map."""
    with torch.autocast(classifier.device.type, enabled=False):
        if kernel is None:
            return classifier @ weight, classifier @ bias
        compared = classifier @ kernel @ vocabulary
        return compared @ weight, compared @ bias + classifier @ kernel_bias


def suppress(candidates: InstanceData, first_unseen: int, cfg: ConfigDict) -> InstanceData:
    """The best ``max_per_img`` after NMS within each class.

    Args:
        candidates: With ``bboxes``, ``scores`` and ``labels``.
        first_unseen: The label from which on classes are unseen, where there are both kinds; else
            0.
        cfg: ``test_cfg.rcnn``; of both kinds, unless ``joint``, seen classes have
            ``max_per_img`` detections and unseen ones as many.
    """
    if first_unseen and not cfg.get('joint', False):
        is_unseen = candidates.labels >= first_unseen
        groups = [candidates[~is_unseen], candidates[is_unseen]]
        return InstanceData.cat([_suppressed(group, cfg) for group in groups])
    return _suppressed(candidates, cfg)


def _suppressed(candidates: InstanceData, cfg: ConfigDict) -> InstanceData:
    if not len(candidates):
        return candidates
    found, keep = batched_nms(candidates.bboxes, candidates.scores, candidates.labels, cfg.nms)
    kept = candidates[keep]
    kept.bboxes, kept.scores = found[:, :4], found[:, 4]  # other kinds of NMS change scores
    return kept[: cfg.max_per_img] if cfg.max_per_img > 0 else kept


def _published_init(has_vocabulary: bool) -> list[dict]:
    names = ['fc_reg', 'fc_semantic', *(['kernel_semantic'] if has_vocabulary else [])]
    return [
        dict(type='Normal', std=0.001, override=[dict(name=name) for name in names]),
        dict(type='Xavier', distribution='uniform', override=dict(name='shared_fcs')),
    ]
