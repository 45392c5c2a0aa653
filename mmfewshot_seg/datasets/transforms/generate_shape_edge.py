"""Edge labels from class labels."""

from typing import Any

import torch
from mmcv.transforms import BaseTransform

from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.registry import TRANSFORMS, register


@register(TRANSFORMS, host='mmseg')
class GenerateShapeEdge(BaseTransform):
    """Write ``gt_edge_map``, the edges of ``gt_seg_map``, for heads with an edge stream.

    It stands behind all transforms that move pixels. :class:`GatedSCNNHead` makes the same map by
    itself where there is none; here the work is that of the data loader, and its flags give the
    official labels.

    Args:
        radius: See :func:`shape_edges`, as of all others.
        ignore_index: Label of ignored pixels.
        frame: Whether the end of the image is a boundary.
        class_zero: Whether class 0 has boundaries of its own.
        ignored_rim: Whether the end of an ignored region is a boundary.

    Raises:
        ValueError: If the radius is less than 1.
    """

    def __init__(
        self,
        radius: int = 2,
        ignore_index: int = 255,
        frame: bool = False,
        class_zero: bool = True,
        ignored_rim: bool = False,
    ) -> None:
        if radius < 1:
            raise ValueError(f'radius={radius} of edges, expected at least 1')
        self.settings: dict[str, Any] = dict(
            radius=radius,
            ignore_index=ignore_index,
            frame=frame,
            class_zero=class_zero,
            ignored_rim=ignored_rim,
        )

    def transform(self, results: dict) -> dict:
        """Add ``gt_edge_map`` (H, W) uint8.

        Raises:
            KeyError: If there are no labels yet.
            ValueError: If they are not one value per pixel.
        """
        if 'gt_seg_map' not in results:
            raise KeyError("no 'gt_seg_map': put GenerateShapeEdge after LoadAnnotations")
        if results['gt_seg_map'].ndim != 2:
            raise ValueError(
                f'labels are (H, W), got {results["gt_seg_map"].shape} of '
                f'{results.get("seg_map_path")}: colours are to be loaded by '
                'mmfewshot_seg.LoadLabels with a palette'
            )
        labels = torch.from_numpy(results['gt_seg_map'])
        results['gt_edge_map'] = shape_edges(labels, **self.settings).numpy()
        return results

    def __repr__(self) -> str:
        settings = ', '.join(f'{key}={value}' for key, value in self.settings.items())
        return f'{type(self).__name__}({settings})'
