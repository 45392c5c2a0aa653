"""The mask branch of RefineMask as two graphs: an image to levels, and levels with boxes to masks.

What finds the boxes, proposals and non-maximum suppression, is not exported.

Shape letters: ``R`` boxes, ``C`` channels, ``S`` side of the masks, ``H W`` image size.
"""

from pathlib import Path
from typing import Any

import torch
import torchvision
from mmdet.models import BaseDetector
from mmengine.config import Config
from torch import Tensor, nn

from mmfewshot_seg.export.image_steps import image_meta, pipeline_of_test
from mmfewshot_seg.export.onnx_file import Graph, Inputs, Size, compare
from mmfewshot_seg.models.refinemask.refine_mask_mixin import RefineMaskMixin
from mmfewshot_seg.models.refinemask.stage_merge import merge_stages

SIZE = (128, 192)
"""Height and width that the graphs are made with."""


class LevelNetwork(nn.Module):
    """Levels of the neck that the mask branch needs."""

    def __init__(self, model: BaseDetector, number: int) -> None:
        super().__init__()
        self.model = model
        self.number = number

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, C, h, w) levels of a (1, 3, H, W) image, normalised."""
        return tuple(self.model.extract_feat(image)[: self.number])


class MaskNetwork(nn.Module):
    """Merged mask logits of boxes in one image."""

    def __init__(self, roi_head: RefineMaskMixin) -> None:
        super().__init__()
        self.head: Any
        self.extractor: Any
        self.head, self.extractor = roi_head.mask_branches[-1]

    def forward(self, boxes: Tensor, labels: Tensor, *levels: Tensor) -> tuple[Tensor]:
        """(R, 1, S, S) logits.

        Args:
            boxes: (R, 4) left, top, right and bottom in pixels of the network's input.
            labels: (R,) int64.
            *levels: What :class:`LevelNetwork` gives.
        """
        rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], dim=1)
        features = self._roi_features(levels[: self.extractor.num_inputs], rois)
        maps = self.head.semantic_maps(levels[self.head.semantic_level])
        return (merge_stages(self.head.stage_logits(features, maps, rois, labels)),)

    def _roi_features(self, levels: tuple[Tensor, ...], rois: Tensor) -> Tensor:
        """Each RoI's features from its level: from every level, of which one is chosen."""
        chosen = self.extractor.map_roi_levels(rois, len(levels)).view(-1, 1, 1, 1)
        features: Any = 0
        for number, (level, layer) in enumerate(
            zip(levels, self.extractor.roi_layers, strict=True)
        ):
            aligned = torchvision.ops.roi_align(
                level,
                rois,
                layer.output_size,
                layer.spatial_scale,
                layer.sampling_ratio,
                layer.aligned,
            )
            features = torch.where(chosen == number, aligned, features)
        return features


def export_refinemask(
    model: BaseDetector, cfg: Config, folder: Path, meta: dict[str, Any], size: Size | None
) -> dict[str, Graph]:
    """Write ``features.onnx`` and ``masks.onnx``.

    Args:
        model: With its weights.
        cfg: Its config, for the transforms of the test.
        folder: Where to write.
        meta: Meta data for both.
        size: Height and width to make the graphs with.

    Returns:
        The graphs by name.

    Raises:
        ValueError: If a graph differs from PyTorch.
    """
    head, extractor = model.roi_head.mask_branches[-1]
    number = max(extractor.num_inputs, head.semantic_level + 1)
    names = [f'level{index}' for index in range(number)]
    size = size or SIZE
    masks = MaskNetwork(model.roi_head)
    boxes = _Boxes(model, number)
    graphs = dict(
        features=Graph(
            LevelNetwork(model, number),
            _image,
            size,
            dict(image=[None, None, 'height', 'width']),
            names,
        ),
        masks=Graph(
            masks,
            boxes,
            size,
            {
                'boxes': ['boxes', None],
                'labels': ['boxes'],
                ' '.join(names): tuple(
                    [None, None, f'height{index}', f'width{index}'] for index in range(number)
                ),
            },
            ['logits'],
            choices=1e-3,  # stages are merged by what lies near the contour
        ),
    )
    _check_against_model(model, masks, boxes(size))
    images = image_meta(pipeline_of_test(cfg), model.data_preprocessor)
    divisor = getattr(model.data_preprocessor, 'pad_size_divisor', 1)
    if divisor > 1:
        images['steps'].append(dict(type='pad', size=None, divisor=divisor, value=0))
    for name, graph in graphs.items():
        graph.write(folder / f'{name}.onnx', dict(meta, kind=f'refinemask {name}', **images))
    return graphs


def _check_against_model(model: BaseDetector, masks: MaskNetwork, inputs: dict[str, Any]) -> None:
    """The module that is exported against the model's own way."""
    boxes, labels, levels = inputs.values()
    rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], dim=1)
    expected = model.roi_head.mask_logits(levels, rois, labels)
    compare('logits', masks(boxes, labels, *levels)[0].numpy(), expected.numpy())


def _image(size: Size) -> Inputs:
    return dict(image=torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0)))


class _Boxes:
    """Boxes of several sizes, and the levels of a random image."""

    def __init__(self, model: BaseDetector, number: int) -> None:
        self.levels = LevelNetwork(model, number)
        self.classes = model.roi_head.mask_branches[-1][0].num_classes
        self.names = ' '.join(f'level{index}' for index in range(number))

    def __call__(self, size: Size) -> Inputs:
        generator = torch.Generator().manual_seed(1)
        whole = torch.tensor([size[1], size[0]])
        sides = torch.tensor([0.05, 0.1, 0.3, 0.6, 0.9, 0.95]).unsqueeze(1)
        corners = torch.rand(len(sides), 2, generator=generator) * (1 - sides) * whole
        boxes = torch.cat([corners, corners + sides * whole], dim=1)
        labels = torch.arange(len(sides)) % self.classes
        return {'boxes': boxes, 'labels': labels, self.names: self.levels(**_image(size))}
