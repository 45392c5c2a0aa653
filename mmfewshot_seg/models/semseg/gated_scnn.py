"""The segmentor that hands the gradient of the image to its head."""

from mmseg.models import EncoderDecoder
from torch import Tensor

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
    sees its own edges alone. Other heads and sliding windows work as they do there.

    Args:
        gradient: ``'canny'``: edges of the image; ``'official'``: edges of what the official
            program makes of it, which published weights need, see :func:`official_bytes`.
        **kwargs: Of ``EncoderDecoder``.

    Raises:
        ValueError: If there is no such gradient, or the images are not normalized.
    """

    def __init__(self, *args, gradient: str = 'canny', **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if gradient not in GRADIENTS:
            raise ValueError(f'gradient={gradient!r}, expected one of {", ".join(GRADIENTS)}')
        if not getattr(self.data_preprocessor, '_enable_normalize', False):
            raise ValueError(
                'the gradient of the image is found by undoing its normalization: give the '
                'data_preprocessor mean and std'
            )
        self.gradient = gradient

    def extract_feat(self, inputs: Tensor) -> FeaturesWithGradient:
        """Levels of the backbone or neck, with ``.gradient``.

        Args:
            inputs: (B, 3, H, W) normalized images.
        """
        return FeaturesWithGradient(super().extract_feat(inputs), self.image_gradient(inputs))

    def image_gradient(self, inputs: Tensor) -> Tensor:
        """(B, 1, H, W), 0 or 255."""
        if self.gradient == 'official':
            return image_gradient(official_bytes(inputs))
        preprocessor = self.data_preprocessor
        return image_gradient(to_bytes(inputs, preprocessor.mean, preprocessor.std))
