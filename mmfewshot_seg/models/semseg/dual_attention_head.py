"""Head of DANet: position and channel attention side by side."""

from collections.abc import Sequence

from mmengine.structures import BaseDataElement
from mmseg.models.decode_heads import DAHead
from torch import Tensor, nn

from mmfewshot_seg.models.semseg.channel_attention import ChannelAttention
from mmfewshot_seg.models.semseg.class_labels import (
    check_labels,
    check_single_output,
    label_count,
    losses_of,
)
from mmfewshot_seg.models.semseg.foreign_layout import accept_layout
from mmfewshot_seg.models.semseg.levels import check_chosen, check_places
from mmfewshot_seg.models.semseg.norms import FrozenStatistics
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
class DualAttentionHead(FrozenStatistics, DAHead):
    """DANet's head in memory that is linear in the number of positions.

    It computes what mmseg's ``DAHead`` does, has its parameters and loads its checkpoints and the
    official ones. Inference computes the fused logits alone.

    Args:
        pam_channels: Channels of queries and keys; by default an eighth of ``channels``.
        in_channels: Channels of the features.
        in_index: Level of the features.
        channels: Width of both branches.
        norm_eval: Whether batch norms use their stored statistics in training too, see
            :class:`FrozenStatistics`.
        loss_decode: Losses of all three predictions; by default the cross-entropy of the classes,
            and with ``out_channels=1`` the binary one.
        init_cfg: By default all three classifiers start alike.
        kwargs: See ``mmseg.DAHead``. The published model has ``align_corners=True``.

    Raises:
        ValueError: If ``in_channels`` and ``in_index`` do not fit together, or ``out_channels=1``
            has a loss of several outputs.

    Source: DANet (Fu et al., CVPR 2019).
    """

    def __init__(
        self,
        pam_channels: int | None = None,
        *,
        in_channels: int | Sequence[int],
        in_index: int | Sequence[int] = -1,
        channels: int,
        norm_eval: bool = False,
        loss_decode: dict | Sequence[dict] | None = None,
        init_cfg: dict | list | None = dict(  # noqa: B006
            type='Normal',
            std=0.01,
            override=[dict(name=f'{name}conv_seg') for name in ('', 'pam_', 'cam_')],
        ),
        **kwargs,
    ) -> None:
        pam_channels = pam_channels or max(1, channels // 8)
        loss_decode = loss_decode or dict(
            type='mmseg.CrossEntropyLoss', use_sigmoid=kwargs.get('out_channels') == 1
        )
        check_places(in_channels, in_index, several=kwargs.get('input_transform') is not None)
        super().__init__(
            pam_channels,
            in_channels=in_channels,
            in_index=in_index,
            channels=channels,
            loss_decode=loss_decode,
            init_cfg=init_cfg,
            **kwargs,
        )
        if self.out_channels == 1:
            check_single_output(losses_of(self), 'loss_decode', 'out_channels=1')
        self.norm_eval = norm_eval
        self.pam = PositionAttention(self.channels, self.pam_channels)
        self.cam = ChannelAttention()
        # mmseg gives these one output per class even where there is one for two classes.
        self.pam_conv_seg = nn.Conv2d(self.channels, self.out_channels, 1)
        self.cam_conv_seg = nn.Conv2d(self.channels, self.out_channels, 1)
        accept_layout(self, 'conv5a.0.weight', OFFICIAL_RENAMES, adapt_official)

    def _branches(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Features of the position and of the channel branch, (B, C, H, W) each."""
        check_chosen(inputs, self.in_channels, self.in_index)
        x = self._transform_inputs(inputs)
        position = self.pam_out_conv(self.pam(self.pam_in_conv(x)))
        return position, self.cam_out_conv(self.cam(self.cam_in_conv(x)))

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Fused, position and channel logits of the features, (B, num_classes, H, W) each.

        Raises:
            ValueError: If the level is missing, or has other channels than ``in_channels``.
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

    def loss_by_feat(
        self, seg_logit: tuple[Tensor, ...], batch_data_samples: list[BaseDataElement], **kwargs
    ) -> dict[str, Tensor]:
        """Losses of the three predictions, and their accuracies.

        Raises:
            ValueError: If a label is neither a class nor ignored.
        """
        labels = self._stack_batch_gt(batch_data_samples)
        check_labels(labels, label_count(self.num_classes, self.out_channels), self.ignore_index)
        return super().loss_by_feat(seg_logit, batch_data_samples, **kwargs)
