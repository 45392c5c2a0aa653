"""A semantic network as one graph: images to logits at their size, of Gated-SCNN with edges.

Shape letters: ``B`` images, ``K`` channels of logits, ``H W`` image size.
"""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.models import EncoderDecoder
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.export.image_steps import constant_size, image_meta, pipeline_of_test
from mmfewshot_seg.export.onnx_file import Graph, Inputs, Size
from mmfewshot_seg.models.semseg import GatedSCNN
from mmfewshot_seg.models.semseg.image_gradient import THRESHOLDS

SIZE = (64, 96)
"""Height and width that graphs for any size are made with."""


class SemanticNetwork(nn.Module):
    """Logits of images, as ``encode_decode`` gives them."""

    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model
        self.gives_edges = getattr(model, 'gives_edges', False)
        # The host's resizing makes integers of sizes for a warning, which fixes them in a graph.
        model.decode_head.predict_by_feat = self._enlarge

    def forward(self, image: Tensor, gradient: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B, K, H, W) logits, and of Gated-SCNN (B, 1, H, W) logits of the edges.

        Args:
            image: (B, 3, H, W), normalised.
            gradient: (B, 1, H, W) of the image, 0 or 255, for Gated-SCNN.
        """
        inputs = image if gradient is None else torch.cat([image, gradient], dim=1)
        logits = self.model.encode_decode(inputs, [dict(img_shape=image.shape[-2:])])
        if not self.gives_edges:
            return (logits,)
        return logits[:, :-1], logits[:, -1:]

    def _enlarge(self, logits: Tensor, metas: list[dict]) -> Tensor:
        aligned = self.model.decode_head.align_corners
        return F.interpolate(logits, metas[0]['img_shape'], mode='bilinear', align_corners=aligned)


def export_semantic(
    model: EncoderDecoder, cfg: Config, folder: Path, meta: dict[str, Any], size: Size | None
) -> dict[str, Graph]:
    """Write ``model.onnx``.

    Args:
        model: With its weights.
        cfg: Its config, for the transforms of the test.
        folder: Where to write.
        meta: Meta data.
        size: Height and width to make the graph with; by default that of the transforms or of the
            windows.

    Returns:
        The graph by its name.

    Raises:
        UsageError: If the network serves one size alone and none is told.
        ValueError: If the head predicts in a way of its own, or the graph differs from PyTorch.
    """
    head = model.decode_head
    if type(head).predict_by_feat is not BaseDecodeHead.predict_by_feat:
        raise ValueError(
            f'{type(head).__name__} makes its predictions in a way of its own (predict_by_feat), '
            'which is not exported'
        )
    if getattr(model.data_preprocessor, 'test_cfg', None):
        raise ValueError('data_preprocessor.test_cfg is not exported: pad by a transform, Pad')
    images = image_meta(pipeline_of_test(cfg), model.data_preprocessor)
    window = None
    if model.test_cfg.mode == 'slide':
        window = dict(size=list(model.test_cfg.crop_size), stride=list(model.test_cfg.stride))
    told = size or (tuple(window['size']) if window else constant_size(images))
    graph = semantic_graph(model, told or SIZE)
    if graph.size and told is None:
        raise UsageError(
            'the graph of this network serves one size: give --size HEIGHT WIDTH, of images as '
            'the transforms of the config leave them'
        )
    gradient = None
    if isinstance(model, GatedSCNN):
        gradient = dict(of=model.gradient, thresholds=list(THRESHOLDS))
    graph.write(
        folder / 'model.onnx',
        dict(
            meta,
            kind='semantic',
            head=type(head).__name__,
            align_corners=model.align_corners,
            threshold=head.threshold if model.out_channels == 1 else None,
            window=window,
            gradient=gradient,
            **images,
        ),
    )
    return dict(model=graph)


def semantic_graph(model: EncoderDecoder, size: Size) -> Graph:
    """Images (B, 3, H, W), of Gated-SCNN with their gradients, to logits (B, K, H, W) and edges."""
    takes_gradient = isinstance(model, GatedSCNN)
    names = ['image', 'gradient'] if takes_gradient else ['image']
    free = {name: ['images', None, 'height', 'width'] for name in names}
    network = SemanticNetwork(model)
    outputs = ['logits', 'edges'] if network.gives_edges else ['logits']
    return Graph(network, _Images(takes_gradient), size, free, outputs)


class _Images:
    """Two random images of a size, and a gradient if the network takes one."""

    def __init__(self, with_gradient: bool) -> None:
        self.with_gradient = with_gradient

    def __call__(self, size: Size) -> Inputs:
        generator = torch.Generator().manual_seed(0)
        inputs: Inputs = dict(image=torch.randn(2, 3, *size, generator=generator))
        if self.with_gradient:
            edges = torch.rand(2, 1, *size, generator=generator) > 0.8
            inputs['gradient'] = 255 * edges.float()
        return inputs
