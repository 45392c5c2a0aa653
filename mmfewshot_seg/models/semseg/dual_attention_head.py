"""Head of DANet: position and channel attention side by side."""

from mmseg.models.decode_heads import DAHead
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.channel_attention import ChannelAttention
from mmfewshot_seg.models.semseg.foreign_layout import accept_layout
from mmfewshot_seg.models.semseg.position_attention import PositionAttention
from mmfewshot_seg.registry import MODELS, register

# Of github.com/junfu1115/DANet, in which 'sa' and 'sc' are the two attentions.
OFFICIAL_RENAMES = tuple(
    (pattern, replacement)
    for digit, letter, old, new in (('1', 'a', 'sa', 'pam'), ('2', 'c', 'sc', 'cam'))
    for pattern, replacement in (
        (rf'conv5{letter}\.0\.(.+)', rf'{new}_in_conv.conv.\1'),
        (rf'conv5{letter}\.1\.(.+)', rf'{new}_in_conv.bn.\1'),
        (rf'conv5{digit}\.0\.(.+)', rf'{new}_out_conv.conv.\1'),
        (rf'conv5{digit}\.1\.(.+)', rf'{new}_out_conv.bn.\1'),
        (rf'{old}\.(query|key|value)_conv\.(.+)', rf'{new}.\1_project.\2'),
        (rf'{old}\.gamma', rf'{new}.gamma.scale'),
    )
) + (
    (r'conv6\.1\.(.+)', r'pam_conv_seg.\1'),
    (r'conv7\.1\.(.+)', r'cam_conv_seg.\1'),
    (r'conv8\.1\.(.+)', r'conv_seg.\1'),
)


def adapt_official(key: str, value: Tensor) -> Tensor:
    """Scales are scalars here, vectors of one there."""
    return value.reshape(()) if key.endswith('.gamma.scale') else value


@register(MODELS, host='mmseg')
class DualAttentionHead(DAHead):
    """DANet's head in memory that is linear in the number of positions.

    It computes what mmseg's ``DAHead`` does, has its parameters and loads its checkpoints and the
    official ones. Inference computes the fused logits alone.

    Args:
        pam_channels: Channels of queries and keys; by default an eighth of ``channels``.
        channels: Width of both branches.
        init_cfg: By default all three classifiers start alike.
        kwargs: See ``mmseg.DAHead``. The published model has ``align_corners=True``.

    Source: DANet (Fu et al., CVPR 2019).
    """

    def __init__(
        self,
        pam_channels: int | None = None,
        *,
        channels: int,
        init_cfg: dict | list | None = dict(  # noqa: B006
            type='Normal',
            std=0.01,
            override=[dict(name=f'{name}conv_seg') for name in ('', 'pam_', 'cam_')],
        ),
        **kwargs,
    ) -> None:
        pam_channels = pam_channels or max(1, channels // 8)
        super().__init__(pam_channels, channels=channels, init_cfg=init_cfg, **kwargs)
        self.pam = PositionAttention(self.channels, self.pam_channels)
        self.cam = ChannelAttention()
        # mmseg gives these one output per class even where there is one for two classes.
        self.pam_conv_seg = nn.Conv2d(self.channels, self.out_channels, 1)
        self.cam_conv_seg = nn.Conv2d(self.channels, self.out_channels, 1)
        accept_layout(self, 'conv5a.0.weight', OFFICIAL_RENAMES, adapt_official)

    def _branches(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Features of the position and of the channel branch, (B, C, H, W) each."""
        x = self._transform_inputs(inputs)
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f'the features have {x.shape[1]} channels, but in_channels={self.in_channels} '
                f'(input {self.in_index} of {len(inputs)} with shape {tuple(x.shape)})'
            )
        position = self.pam_out_conv(self.pam(self.pam_in_conv(x)))
        return position, self.cam_out_conv(self.cam(self.cam_in_conv(x)))

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Fused, position and channel logits of the features, (B, num_classes, H, W) each.

        Raises:
            ValueError: If the features have not ``in_channels`` channels.
        """
        position, channel = self._branches(inputs)
        fused = self.cls_seg(position + channel)
        return fused, self.pam_cls_seg(position), self.cam_cls_seg(channel)

    def predict(
        self, inputs: tuple[Tensor, ...], batch_img_metas: list[dict], test_cfg: dict
    ) -> Tensor:
        """Fused logits at the size of the image."""
        position, channel = self._branches(inputs)
        return self.predict_by_feat(self.cls_seg(position + channel), batch_img_metas)
