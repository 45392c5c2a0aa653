"""ResNet of which nothing is trained."""

from mmseg.models.backbones import ResNet

from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg')
class FrozenResNet(ResNet):
    """mmseg's ``ResNet`` without trained parameters; arguments and parameter names as there.

    Args:
        norm_eval: Whether the norms use their stored statistics in training too. False
            reproduces the official programs of ASGNet and PFENet, where the statistics of the
            "frozen" backbone drift.
        **kwargs: See ``mmseg.ResNet``.
    """

    def __init__(self, norm_eval: bool = True, **kwargs) -> None:
        super().__init__(norm_eval=norm_eval, **kwargs)
        self.requires_grad_(False)
