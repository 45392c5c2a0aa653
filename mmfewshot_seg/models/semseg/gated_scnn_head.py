"""Decode head of Gated-SCNN: a stream for edges beside the one for classes.

Shape letters: ``B`` images, ``K`` classes, ``H W`` size of the image.
"""

from collections.abc import Sequence
from inspect import signature

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmengine.structures import BaseDataElement
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.models.semseg.class_labels import (
    check_labels,
    check_single_output,
    label_count,
    losses_of,
)
from mmfewshot_seg.models.semseg.edge_aspp import EdgeASPP
from mmfewshot_seg.models.semseg.levels import check_chosen, check_places, check_sequences
from mmfewshot_seg.models.semseg.norms import FrozenStatistics, norm_cfg_of_width
from mmfewshot_seg.models.semseg.shape_stream import ShapeStream, enlarge
from mmfewshot_seg.registry import MODELS, register

LOSSES = (
    dict(type='mmfewshot_seg.PerImageWeightedCrossEntropy'),
    dict(type='mmfewshot_seg.DualTaskLoss'),
)
UNKNOWN_EDGE = 255
EDGE_LOSS = dict(type='mmfewshot_seg.BalancedEdgeLoss')
ATTENTION_LOSS = dict(type='mmfewshot_seg.EdgeAttentionLoss')


@register(MODELS, host='mmseg')
class GatedSCNNHead(FrozenStatistics, BaseDecodeHead):
    """Classes and edges of an image, for any backbone with several levels.

    A :class:`ShapeStream` finds edges in an early level, gated by later ones. Its edge map, mixed
    with the gradient of the image if :class:`GatedSCNN` gives one, is a branch of an
    :class:`EdgeASPP` on the last level, whose context is decoded with a fine level.

    Which level serves what is told by its place in ``in_index``. The defaults are those of a
    ResNet with strides 4, 8, 8, 8.

    Args:
        in_channels: Channels of the levels in ``in_index``.
        in_index: Levels of the backbone or neck; the last one is that of the context.
        num_classes: K.
        channels: Width of the decoder and the context.
        shape_index: Place of the level whose edges are sought.
        skip_index: Place of the fine level of the decoder.
        gate_indices: Places of the levels of the gates, shallow to deep.
        shape_channels: Widths of the shape stream, one more than gates.
        shape_stride: Stride of the edge level: without a gradient, the size of the image is that
            many times its size.
        shape_scale: The shape stream works at the size of the image divided by it; 2 and 4 save
            memory.
        skip_channels: To which the fine level is reduced.
        aspp_channels: Width of each branch of the pyramid.
        dilations: Rates of its branches.
        loss_decode: Losses of the classes, any of MMSegmentation's signature.
        loss_edge: Loss of the edges, None for none.
        loss_attention: Loss of the classes at predicted edges, None for none.
        edge_radius: Radius of the edges that are made of the labels where there is no
            ``gt_edge_map``, see :func:`shape_edges`.
        dropout_ratio: Share of channels that training drops before the classifier.
        norm_eval: Whether batch norms use their stored statistics in training too, see
            :class:`FrozenStatistics`.
        with_cp: Whether training keeps little of the shape stream and computes it again, see
            :class:`ShapeStream`.
        **kwargs: Of ``BaseDecodeHead``. ``align_corners`` is that of the logits; inside the
            network corners are aligned. ``norm_cfg`` is that of all norms, with groups as
            :func:`norm_cfg_of_width` says; ``conv_cfg`` and ``act_cfg`` are those of the pyramid
            and the decoder. With ``out_channels=1`` every loss takes the one output for the logit
            of class 1.

    Raises:
        ValueError: If ``in_channels`` and ``in_index`` do not fit together, a place is none of
            ``in_index``, or a size is no positive whole number.

    Source: Gated-SCNN (Takikawa et al., ICCV 2019).
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        in_index: Sequence[int] = (0, 1, 2, 3),
        *,
        num_classes: int,
        channels: int = 256,
        shape_index: int = 0,
        skip_index: int = 0,
        gate_indices: Sequence[int] = (1, 2, 3),
        shape_channels: Sequence[int] = (64, 32, 16, 8),
        shape_stride: int = 4,
        shape_scale: int = 1,
        skip_channels: int = 48,
        aspp_channels: int = 256,
        dilations: Sequence[int] = (1, 12, 24, 36),
        loss_decode: dict | Sequence[dict] = LOSSES,
        loss_edge: dict | None = EDGE_LOSS,
        loss_attention: dict | None = ATTENTION_LOSS,
        edge_radius: int = 2,
        dropout_ratio: float = 0.0,
        norm_eval: bool = False,
        with_cp: bool = False,
        **kwargs,
    ) -> None:
        check_places(in_channels, in_index, several=True)
        check_sequences(
            gate_indices=gate_indices, shape_channels=shape_channels, dilations=dilations
        )
        super().__init__(
            in_channels,
            channels,
            num_classes=num_classes,
            in_index=in_index,
            input_transform='multiple_select',
            loss_decode=loss_decode,
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        places = dict(shape_index=[shape_index], skip_index=[skip_index], gate_indices=gate_indices)
        for name, values in places.items():
            if not all(0 <= place < len(in_index) for place in values):
                raise ValueError(
                    f'{name} {list(values)}: expected places in in_index {list(in_index)}, '
                    f'0 to {len(in_index) - 1}'
                )
        sizes = dict(shape_stride=shape_stride, shape_scale=shape_scale, edge_radius=edge_radius)
        for name, value in sizes.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name}={value}, expected a whole number, at least 1')
        self.shape_index, self.skip_index = shape_index, skip_index
        self.gate_indices = tuple(gate_indices)
        self.shape_stride, self.shape_scale = shape_stride, shape_scale
        self.edge_radius = edge_radius
        self.norm_eval = norm_eval
        self.shape_stream = ShapeStream(
            in_channels[shape_index],
            [in_channels[place] for place in gate_indices],
            shape_channels,
            self.norm_cfg,
            with_cp,
        )
        self.mix = nn.Conv2d(2, 1, 1, bias=False)
        self.aspp = EdgeASPP(
            in_channels[-1], aspp_channels, dilations, self.norm_cfg, self.conv_cfg, self.act_cfg
        )
        self.context = nn.Conv2d(self.aspp.out_channels, channels, 1, bias=False)
        self.skip = nn.Conv2d(in_channels[skip_index], skip_channels, 1, bias=False)
        layer = dict(
            kernel_size=3,
            padding=1,
            norm_cfg=norm_cfg_of_width(self.norm_cfg, channels),
            conv_cfg=self.conv_cfg,
            act_cfg=self.act_cfg,
        )
        self.decoder = nn.Sequential(
            ConvModule(skip_channels + channels, channels, **layer),
            ConvModule(channels, channels, **layer),
        )
        self.conv_seg = nn.Conv2d(channels, self.out_channels, 1, bias=False)
        self.loss_edge = MODELS.build(loss_edge) if loss_edge else None
        self.loss_attention = MODELS.build(loss_attention) if loss_attention else None
        if self.out_channels == 1:
            check_single_output(losses_of(self), 'loss_decode', 'out_channels=1')
        check_single_output([self.loss_edge], 'loss_edge', 'edges have a single one')

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of the classes and of the edges.

        Args:
            inputs: Levels (B, C, h, w); ``inputs.gradient``, if there is such, is the gradient of
                the image, (B, 1, H, W), 0 to 255.

        Returns:
            (B, K, h, w) of the fine level's size, and (B, 1, H, W), divided by ``shape_scale``.

        Raises:
            ValueError: If levels are missing or have other channels.
        """
        check_chosen(inputs, self.in_channels, self.in_index)
        levels = self._transform_inputs(inputs)
        gradient = getattr(inputs, 'gradient', None)
        shape = levels[self.shape_index]
        if gradient is None:
            size = [self.shape_stride * side for side in shape.shape[-2:]]
        else:
            size = gradient.shape[-2:]
        working_size = tuple(-(-side // self.shape_scale) for side in size)
        deep = [levels[place] for place in self.gate_indices]
        edge_logits = self.shape_stream(working_size, shape, *deep)
        context = self.context(self.aspp(levels[-1], self.edge_activation(edge_logits, gradient)))
        skip = levels[self.skip_index]
        fine = torch.cat([self.skip(skip), enlarge(context, skip.shape[-2:])], dim=1)
        return self.cls_seg(self.decoder(fine)), edge_logits

    def edge_activation(self, edge_logits: Tensor, gradient: Tensor | None) -> Tensor:
        """What the pyramid sees of the edges.

        Args:
            edge_logits: (B, 1, h, w).
            gradient: (B, 1, H, W) or None.

        Returns:
            (B, 1, h, w) in [0, 1].
        """
        edge = edge_logits.sigmoid()
        if gradient is None:
            return F.conv2d(edge, self.mix.weight[:, :1]).sigmoid()
        gradient = enlarge(gradient.to(edge), edge.shape[-2:])
        return self.mix(torch.cat([edge, gradient], dim=1)).sigmoid()

    def predict(self, inputs: Sequence[Tensor], batch_img_metas: list[dict], test_cfg) -> Tensor:
        """(B, K, H, W) logits of the classes."""
        return self.predict_by_feat(self.forward(inputs)[0], batch_img_metas)

    def predict_with_edges(
        self, inputs: Sequence[Tensor], batch_img_metas: list[dict]
    ) -> tuple[Tensor, Tensor]:
        """(B, K, H, W) logits of the classes and (B, 1, H, W) of the edges."""
        seg_logits, edge_logits = self.forward(inputs)
        seg_logits = self.predict_by_feat(seg_logits, batch_img_metas)
        return seg_logits, enlarge(edge_logits, seg_logits.shape[-2:])

    def loss_by_feat(
        self, seg_logits: tuple[Tensor, Tensor], batch_data_samples: list[BaseDataElement]
    ) -> dict[str, Tensor]:
        """Losses by their names, and ``acc_seg``.

        Args:
            seg_logits: What ``forward`` gives.
            batch_data_samples: With ``gt_sem_seg`` and perhaps ``gt_edge_map``.

        Raises:
            ValueError: If edges and labels differ in size, or a label is neither a class nor
                ignored.
        """
        seg_logits, edge_logits = seg_logits
        labels = self._stack_batch_gt(batch_data_samples)
        check_labels(labels, label_count(self.num_classes, self.out_channels), self.ignore_index)
        size = labels.shape[-2:]
        seg_logits = resize(seg_logits, size, mode='bilinear', align_corners=self.align_corners)
        edge_logits = enlarge(edge_logits, size)
        losses = super().loss_by_feat(seg_logits, batch_data_samples)
        if self.loss_edge is not None:
            edges = self._edge_labels(batch_data_samples, labels)
            loss, name = self._edge_loss(edge_logits, edges), self.loss_edge.loss_name
            losses[name] = losses[name] + loss if name in losses else loss
        if self.loss_attention is not None:
            losses[self.loss_attention.loss_name] = self.loss_attention(
                seg_logits, labels.squeeze(1), edge_logits, ignore_index=self.ignore_index
            )
        return losses

    def _edge_loss(self, edge_logits: Tensor, edges: Tensor) -> Tensor:
        """The loss of edges (B, 1, H, W), told which label is unknown if it takes that."""
        edges = edges.squeeze(1)
        if 'ignore_index' in signature(self.loss_edge.forward).parameters:
            return self.loss_edge(edge_logits, edges, ignore_index=UNKNOWN_EDGE)
        return self.loss_edge(edge_logits, edges)

    def _edge_labels(self, batch_data_samples: list[BaseDataElement], labels: Tensor) -> Tensor:
        """(B, 1, H, W): those given, or made of the labels."""
        if not all('gt_edge_map' in sample for sample in batch_data_samples):
            return shape_edges(labels, self.edge_radius, self.ignore_index)
        maps = [sample.gt_edge_map.data for sample in batch_data_samples]
        if any(edges.shape != labels.shape[1:] for edges in maps):
            raise ValueError(
                f'gt_edge_map of {[tuple(edges.shape[1:]) for edges in maps]} pixels, labels of '
                f'{tuple(labels.shape[2:])}: put GenerateShapeEdge after all steps that move pixels'
            )
        return torch.stack(maps)
