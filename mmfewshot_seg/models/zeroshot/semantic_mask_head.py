"""Masks of classes that are known by word vectors.

Shape letters: ``N`` RoIs, ``C`` channels, ``D`` length of a word vector, ``S`` seen classes, ``L``
side of the mask.
"""

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.config import ConfigDict
from mmengine.model import kaiming_init
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmfewshot_seg.models.zeroshot.class_vectors import ClassVectors
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.models.zeroshot.reconstruction_loss import reconstruction_loss
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class SemanticMaskHead(FCNMaskHead):
    """Encodes every place of a RoI as a word and compares it with the class of the RoI.

    Unseen classes are compared with what the seen ones and the background tell of a place. Only the
    mask of a RoI's own class is ever computed, so neither time nor memory grow with the classes.

    Args:
        num_classes: S.
        word_dim: D.
        num_convs: Convolutions before the upsampling; one acts in the published models, though
            four were built; the paper has four.
        sync_background: Whether the background is that of the RPN (published models of the 65/15
            split, and 48/17 in generalised mode), or its word vector (48/17 otherwise).
        reconstruction_weight: Factor of the decoder's loss.
        kwargs: See mmdet's ``FCNMaskHead``.

    Attributes:
        class_vectors: :class:`ClassVectors`, to be set before use.

    Source: Zero-Shot Instance Segmentation (Zheng et al., CVPR 2021), section 3.4;
        github.com/zhengye1995/Zero-shot-Instance-Segmentation where it differs.
    """

    def __init__(
        self,
        num_classes: int,
        word_dim: int,
        num_convs: int = 1,
        sync_background: bool = True,
        reconstruction_weight: float = 0.5,
        **kwargs,
    ) -> None:
        super().__init__(
            num_convs=num_convs, num_classes=num_classes, class_agnostic=True, **kwargs
        )
        self.conv_logits = nn.Identity()  # so that mmdet's forward gives the features
        channels = self.conv_out_channels
        self.convT = ConvModule(channels, word_dim, 3, padding=1)
        self.kernel_semantic = nn.Conv2d(word_dim, word_dim, 3, padding=1)
        self.d_kernel_semantic = nn.Conv2d(word_dim, word_dim, 3, padding=1)
        self.dconvT = ConvModule(word_dim, channels, 3, padding=1)
        self.reconstruction_weight = reconstruction_weight
        self.class_vectors = ClassVectors(num_classes, word_dim, sync_background)

    def init_weights(self) -> None:
        """Initialise as published: the decoder's first convolution as PyTorch does."""
        super().init_weights()
        kaiming_init(self.kernel_semantic)

    def forward(self, x: Tensor) -> Tensor:
        """Features that masks are made of by the methods below, by all that follow in mmdet too.

        Args:
            x: (N, in_channels, L / 2, L / 2) RoI features.

        Returns:
            (N, C, L, L).
        """
        return super().forward(x)

    def encode(self, features: Tensor) -> Tensor:
        """(N, D, L, L) words of (N, C, L, L) features."""
        return self.kernel_semantic(self.convT(features))

    def decode(self, words: Tensor) -> Tensor:
        """(N, C, L, L) features of (N, D, L, L) words."""
        return self.dconvT(self.d_kernel_semantic(words))

    def class_rows(self, labels: Tensor, detected: DetectedClasses) -> Tensor:
        """(N, D) vectors that the words of RoIs are compared with.

        Args:
            labels: (N,) int64, among the classes to detect.
            detected: The classes to detect.
        """
        rows = self.class_vectors.targets(detected)[labels]
        if detected.mode == 'seen':
            return rows
        classifier = self.class_vectors.classifier()
        is_unseen = labels >= self.class_vectors.first_unseen(detected.mode)
        return (rows @ classifier.T @ classifier).where(is_unseen[:, None], rows)

    def label_logits(self, features: Tensor, labels: Tensor, detected: DetectedClasses) -> Tensor:
        """Logits of the labels' masks.

        What follows the encoder's nonlinearity is linear: its last convolution and the comparison
        with one class are one convolution from D to 1 channels.

        Args:
            features: (N, C, L, L), see :meth:`forward`.
            labels: (N,) int64, among the classes to detect.
            detected: The classes to detect.

        Returns:
            (N, 1, L, L) float32.
        """
        hidden = self.convT(features)
        rows = self.class_rows(labels, detected)
        kernel = self.kernel_semantic
        taps = (rows @ kernel.weight.flatten(1)).unflatten(1, (-1, 9)).transpose(1, 2)
        bias = (rows @ kernel.bias).view(-1, 1, 1, 1)
        # A convolution adds up its inputs as seen from an output; ``fold``, what it hands on to the
        # outputs as seen from an input, which is the convolution by the reversed kernel.
        products = taps.flip(1) @ hidden.flatten(2)
        logits = F.fold(products.float(), hidden.shape[2:], kernel_size=3, padding=1)
        return logits + bias.float()

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: list[SamplingResult],
        batch_gt_instances: list[InstanceData],
        rcnn_train_cfg: ConfigDict,
    ) -> dict:
        """Losses and targets; all losses are 0, on the graph, without positive RoIs.

        Args:
            mask_preds: (N, C, L, L) features of the positive RoIs, see :meth:`forward`.
            sampling_results: Sampled RoIs of each image.
            batch_gt_instances: True objects of each image, with ``masks``.
            rcnn_train_cfg: With ``mask_size`` L.

        Returns:
            ``loss_mask``, a dict of losses, and ``mask_targets``, (N, L, L).
        """
        labels = torch.cat([result.pos_gt_labels for result in sampling_results])
        words = self.encode(mask_preds)
        rows = self.class_vectors.seen[labels]
        logits = (rows[:, None] @ words.flatten(2)).unflatten(2, words.shape[2:])
        found = super().loss_and_target(
            logits, sampling_results, batch_gt_instances, rcnn_train_cfg
        )
        loss = reconstruction_loss(mask_preds, self.decode(words), self.reconstruction_weight)
        found['loss_mask']['loss_mask_reconstruction'] = loss
        return found

    def predict_by_feat(
        self,
        mask_preds: tuple[Tensor, ...],
        results_list: list[InstanceData],
        batch_img_metas: list[dict],
        rcnn_test_cfg: ConfigDict,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> list[InstanceData]:
        """Masks in the image.

        Args:
            mask_preds: (N, C, L, L) features of each image's detections, see :meth:`forward`.
            results_list: Detections of each image, with ``bboxes`` and ``labels``.
            batch_img_metas: Meta information of each image, with ``detected_classes``.
            rcnn_test_cfg: With ``mask_thr_binary``.
            rescale: Whether boxes and masks are brought back to the original size.
            activate_map: See mmdet's head.

        Returns:
            ``results_list`` with ``masks``, (N, height, width).
        """
        logits = [
            self.label_logits(features, results.labels, meta['detected_classes'])
            for features, results, meta in zip(
                mask_preds, results_list, batch_img_metas, strict=True
            )
        ]
        return super().predict_by_feat(
            logits, results_list, batch_img_metas, rcnn_test_cfg, rescale, activate_map
        )
