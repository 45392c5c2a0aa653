"""The segmentor that hands the gradient of the image to its head, and gives edges with classes."""

import logging

import torch
from mmengine.logging import print_log
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor

from mmfewshot_seg.compat import counts_operations, is_recorded
from mmfewshot_seg.models.semseg.gated_scnn_head import GatedSCNNHead
from mmfewshot_seg.models.semseg.image_gradient import (
    FeaturesWithGradient,
    image_gradient,
    official_bytes,
    to_bytes,
)
from mmfewshot_seg.registry import MODELS, register

GRADIENTS = ('canny', 'official')


@register(MODELS, host='mmseg')
class GatedSCNN(EncoderDecoder):
    """``EncoderDecoder`` with the gradient of the image beside the features of every call.

    It goes with :class:`GatedSCNNHead`, which also works in a plain ``EncoderDecoder``, where it
    sees its own edges alone. Predictions then hold ``pred_edges``, the probability of an edge at
    every pixel, (1, H, W). Other heads and sliding windows work as they do there.

    Images may have a fourth channel, their gradient. Graphs (``torch.jit.trace``, ONNX,
    ``torch.export``) need it, for OpenCV finds the gradient outside a graph:
    ``torch.cat([images, model.image_gradient(images)], 1)``.

    Args:
        gradient: ``'canny'``: edges of the image; ``'official'``: edges of what the official
            program makes of it, which published weights need, see :func:`official_bytes`.
        white: Greatest value of images before they are normalized: 1 for images in 0 to 1, 65535
            for those of 16 bits. The thresholds of ``'canny'`` are meant for 255, to which images
            are scaled.
        **kwargs: Of ``EncoderDecoder``.

    Raises:
        ValueError: If there is no such gradient, ``white`` is not positive, or the images are not
            normalized.
    """

    def __init__(self, *args, gradient: str = 'canny', white: float = 255, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if gradient not in GRADIENTS:
            raise ValueError(f'gradient={gradient!r}, expected one of {", ".join(GRADIENTS)}')
        if white <= 0:
            raise ValueError(f'white={white}, expected the greatest value of an image, 255 say')
        if not getattr(self.data_preprocessor, '_enable_normalize', False):
            raise ValueError(
                'the gradient of the image is found by undoing its normalization: give the '
                'data_preprocessor mean and std'
            )
        self.gradient = gradient
        self.white = white
        self._range_is_checked = False
        self.gives_edges = isinstance(self.decode_head, GatedSCNNHead)

    def extract_feat(self, inputs: Tensor) -> FeaturesWithGradient:
        """Levels of the backbone or neck, with ``.gradient``.

        Args:
            inputs: (B, 3, H, W) normalized images, or (B, 4, H, W), their gradient (0 or 255) the
                last.

        Raises:
            RuntimeError: If a graph is recorded and the gradient is not among the inputs.
        """
        if inputs.shape[1] == 4:
            images, gradient = inputs.split([3, 1], dim=1)
        else:
            images, gradient = inputs, self.image_gradient(inputs)
        return FeaturesWithGradient(super().extract_feat(images), gradient)

    def image_gradient(self, inputs: Tensor) -> Tensor:
        """(B, 1, H, W), 0 or 255, of (B, 3, H, W) normalized images.

        Raises:
            RuntimeError: If a graph is recorded, of which this cannot be a part.
        """
        if is_recorded() and not counts_operations():
            raise RuntimeError(
                'a graph cannot find the gradient of an image, it would keep that of the sample: '
                'give the gradient as an input, the fourth channel of the images: '
                'torch.cat([images, model.image_gradient(images)], 1)'
            )
        if self.gradient == 'official':
            return image_gradient(official_bytes(inputs))
        preprocessor = self.data_preprocessor
        images = inputs * preprocessor.std + preprocessor.mean
        if not self._range_is_checked:
            self._check_range(images.max().item())
        return image_gradient(to_bytes(images, self.white))

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """(B, K, H, W) logits of the classes; behind them that of the edge if the head has it."""
        if not self.gives_edges:
            return super().encode_decode(inputs, batch_img_metas)
        features = self.extract_feat(inputs)
        return torch.cat(self.decode_head.predict_with_edges(features, batch_img_metas), dim=1)

    def slide_inference(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """As of ``encode_decode``, by windows."""
        self.out_channels += self.gives_edges  # the host makes room for as many
        try:
            return super().slide_inference(inputs, batch_img_metas)
        finally:
            self.out_channels -= self.gives_edges

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list[SegDataSample] | None = None
    ) -> list[SegDataSample]:
        """Predictions at the size of the original images, with ``pred_edges`` (1, H, W)."""
        if not self.gives_edges:
            return super().postprocess_result(seg_logits, data_samples)
        seg_logits, edge_logits = seg_logits.split([seg_logits.shape[1] - 1, 1], dim=1)
        metas = data_samples and [SegDataSample(metainfo=s.metainfo) for s in data_samples]
        # Twice, for the host takes the sigmoid of a single channel and has a threshold for it.
        edges = super().postprocess_result(edge_logits.expand(-1, 2, -1, -1), metas)
        data_samples = super().postprocess_result(seg_logits, data_samples)
        for sample, edge in zip(data_samples, edges, strict=True):
            sample.set_data(dict(pred_edges=PixelData(data=edge.seg_logits.data[:1].sigmoid())))
        return data_samples

    def _check_range(self, greatest: float) -> None:
        """Warn once, at the first images, if they are not of the range they are taken for."""
        self._range_is_checked = True
        if not 0.02 * self.white <= greatest <= 1.01 * self.white:
            print_log(
                f'Values of images reach {greatest:.4g} before they are normalized, but '
                f'white={self.white}: Canny then finds hardly any edge, or noise. Set white of the '
                'model: 1 for images in 0 to 1, 65535 for those of 16 bits',
                logger='current',
                level=logging.WARNING,
            )
