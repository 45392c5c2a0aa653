"""ResNet with signed features, for cosine scores."""

from mmseg.models.backbones import ResNet
from torch import Tensor, nn

from mmfewshot_seg.registry import MODELS, register


def _rectify(module: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
    """Forward pre-hook: the ReLU before a convolution."""
    return (args[0].relu(),)


@register(MODELS, host='mmseg')
class SignedResNet(ResNet):
    """mmseg's ``ResNet`` without the ReLU after its very last block.

    Takes the arguments of ``mmseg.ResNet`` and has its parameter names. ``stem_channels=128``
    and ``deep_stem=True`` give the PSPNet-style stem (64, 64, 128); ``contract_dilation=True``
    keeps dilation 1 in the first block of a dilated stage, as torchvision does.

    Source: the matching network of SSP (Fan et al., ECCV 2022) and MiningFSS (Yang et al.,
    ICCV 2021).
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        block = getattr(self, self.res_layers[-1])[-1]
        # A block applies its one ReLU module after each norm but the last, and after the sum. The
        # hooks sit on convolutions: norms are replaced when SyncBN is converted.
        for convolution in (block.conv2, getattr(block, 'conv3', None)):
            if convolution is not None:
                convolution.register_forward_pre_hook(_rectify)
        block.relu = nn.Identity()
