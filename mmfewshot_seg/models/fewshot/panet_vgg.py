"""VGG-16 of PANet: stride 8, signed features."""

from mmcv.cnn import VGG
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg')
class PANetVGG(VGG, BaseModule):
    """VGG whose pooling is 3x3 and whose features are signed; keys as in torchvision's VGG.

    Pools after blocks 1 to 4 are 3x3 with padding 1 and strides 2, 2, 2, 1, so the stride is 8;
    block 5 is dilated by 2 and has no ReLU after its last convolution.

    Args:
        depth: 11, 13, 16 (PANet) or 19.
        frozen_stages: Number of leading blocks that are not trained.
        init_cfg: ``dict(type='Pretrained', checkpoint='torchvision://vgg16')`` starts from
            ImageNet weights as PANet does.

    Source: PANet (Wang et al., ICCV 2019), section 3.2.
    """

    def __init__(
        self, depth: int = 16, frozen_stages: int = -1, init_cfg: dict | None = None
    ) -> None:
        super().__init__(
            depth,
            dilations=(1, 1, 1, 1, 2),
            out_indices=(4,),
            frozen_stages=frozen_stages,
            with_last_pool=False,
        )
        self.init_cfg = init_cfg
        pools = [i for i, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d)]
        for index, stride in zip(pools, (2, 2, 2, 1), strict=True):
            self.features[index] = nn.MaxPool2d(3, stride, padding=1)
        self.features[-1] = nn.Identity()
        self.train()  # freezes; the optimizer and distributed training look before any training

    def init_weights(self) -> None:
        """Initialise by ``init_cfg``; mmcv's VGG has a method of its own without it."""
        BaseModule.init_weights(self)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Compute features.

        Args:
            images: (B, 3, H, W), normalised.

        Returns:
            One level, (B, 512, h, w); h is H halved three times, rounded up each time.
        """
        return (super().forward(images),)
