"""What the stages of RefineMask say of a detection.

Shape letters: ``S`` side of a stage, ``H W`` image size.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.structures import InstanceData
from torch import Tensor

from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.models.refinemask import merge_stages
from mmfewshot_seg.models.refinemask.boundary_region import (
    boundary_region,
    enlarge_mask,
    is_inside,
)
from mmfewshot_seg.models.refinemask.stage_merge import MERGE_WIDTH
from mmfewshot_seg.registry import VISUALIZERS, register
from mmfewshot_seg.visualization.overlay import COLOURS
from mmfewshot_seg.visualization.tiles import stack, tile


@register(VISUALIZERS, host='mmdet')
class RefineMaskVisualizer(DetLocalVisualizer):
    """mmdet's pictures of detections and, beside each, one of the stages of RefineMask.

    The second picture has a row per detection: its box, the mask of every stage at its
    resolution, the boundary band where the last stage decides, the final mask. The model chooses
    the detections: ``model.roi_head.test_cfg.stage_maps``, in a detector's config
    ``model.test_cfg.rcnn.stage_maps``, is how many of an image; by default none, and there is no
    second picture. It is named after the first, with ``_stages``.

    Args:
        kwargs: See mmdet's ``DetLocalVisualizer``.

    Examples:
        >>> visualizer = dict(type='mmfewshot_seg.RefineMaskVisualizer', name='visualizer')
        >>> model = dict(test_cfg=dict(rcnn=dict(stage_maps=4)))
    """

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
    ) -> None:
        """Draw an image, and show, write or give to the backends both pictures.

        Args:
            name: Name of the picture in the backends.
            image: (H, W, 3) uint8 RGB.
            data_sample: Truth and predictions.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw predictions, also in the second picture.
            show: Whether to open windows, one after the other.
            wait_time: Seconds a window stays open, 0 for ever.
            out_file: Path of the first picture.
            pred_score_thr: Detections below it are in neither picture.
            step: Step of the training, for the backends.
        """
        rows = []
        if draw_pred and data_sample is not None and 'pred_instances' in data_sample:
            found = data_sample.pred_instances.cpu()
            rows = self._rows(image, found[found.scores > pred_score_thr])
        if rows:
            self._give(f'{name}_stages', stack(rows), show, wait_time, out_file, step)
        super().add_datasample(
            name,
            image,
            data_sample,
            draw_gt,
            draw_pred,
            show,
            wait_time,
            out_file,
            pred_score_thr,
            step,
        )

    def _rows(self, image: np.ndarray, found: InstanceData) -> list[list[np.ndarray]]:
        """A row per detection of which the stages are known."""
        classes = self.dataset_meta.get('classes')
        rows = []
        for index, stages in enumerate(found.get('stage_logits', [])):
            if stages is not None:
                label = int(found.labels[index])
                name = f'class {label}' if classes is None else classes[label]
                caption = f'{name} {float(found.scores[index]):.2f}'
                box, mask = found.bboxes[index].tolist(), found.masks[index].numpy()
                rows.append(_row(image, caption, box, stages, mask))
        return rows

    def _give(
        self,
        name: str,
        picture: np.ndarray,
        show: bool,
        wait_time: float,
        out_file: str | None,
        step: int,
    ) -> None:
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is None:
            self.add_image(name, picture, step)
        else:
            path = Path(out_file)
            path = path.with_stem(f'{path.stem}_stages')
            mmcv.imwrite(picture[..., ::-1], str(path), backend_args=WHOLE)


def _row(
    image: np.ndarray,
    caption: str,
    box: Sequence[float],
    stages: Sequence[Tensor],
    mask: np.ndarray,
) -> list[np.ndarray]:
    """Tiles of one detection: its (S, S) logits, coarse to fine, and its (H, W) mask."""
    seen = _pixels(box, image.shape[:2])
    crop = np.ascontiguousarray(image[seen])
    tiles = [tile(crop, caption)]
    for logits in stages:
        side = logits.shape[-1]
        tiles.append(tile(crop, f'{side} x {side}', is_inside(logits).numpy()))
    tiles.append(tile(crop, 'boundary band', boundary_band(stages).numpy(), _paint_band))
    return [*tiles, tile(crop, 'final mask', mask[seen])]


def _paint_band(image: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Without the outline, which would cover a band of a few pixels."""
    return np.where(band[..., None] > 0, np.array(COLOURS[0], np.uint8), image)


def _pixels(box: Sequence[float], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the box inside the image, at least one of each."""
    slices = []
    for start, stop, extent in zip(box[1::-1], box[:1:-1], size, strict=True):
        first = min(max(int(start), 0), extent - 1)
        slices.append(slice(first, max(math.ceil(stop), first + 1)))
    rows, columns = slices
    return rows, columns


def boundary_band(stages: Sequence[Tensor]) -> Tensor:
    """Where the last stage decides.

    Args:
        stages: (S, S) logits of every stage, coarse to fine.

    Returns:
        (S, S) bool, at the size of the last stage.
    """
    before = merge_stages([logits[None, None] for logits in stages[:-1]])[:, 0]
    region = boundary_region(is_inside(before), MERGE_WIDTH)
    return ~enlarge_mask(~region, stages[-1].shape[-1])[0]
