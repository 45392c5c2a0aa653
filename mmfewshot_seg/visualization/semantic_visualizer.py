"""Pictures of semantic segmentation with the edges that a network finds."""

from pathlib import Path

import mmcv
import numpy as np
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.registry import VISUALIZERS, register


@register(VISUALIZERS, host='mmseg')
class SemanticVisualizer(SegLocalVisualizer):
    """``SegLocalVisualizer`` and, beside its picture, one of the predicted edges.

    Edges are those of :class:`GatedSCNN`, as bright as they are probable. Their picture is named
    after the first, with ``_edges``; without edges there is none.

    Examples:
        >>> visualizer = dict(type='mmfewshot_seg.SemanticVisualizer', name='visualizer')
    """

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: SegDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
        **kwargs,
    ) -> None:
        """Draw an image, and show, write or give to the backends both pictures.

        Args:
            name: Name of the picture in the backends.
            image: (H, W, 3) uint8 RGB.
            data_sample: Truth and predictions.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw predictions, edges among them.
            show: Whether to open windows, one after the other.
            wait_time: Seconds a window stays open, 0 for ever.
            out_file: Path of the first picture.
            step: Step of the training, for the backends.
            **kwargs: Further ones of ``SegLocalVisualizer``.
        """
        super().add_datasample(
            name, image, data_sample, draw_gt, draw_pred, show, wait_time, out_file, step, **kwargs
        )
        if not draw_pred or data_sample is None or 'pred_edges' not in data_sample:
            return
        edges = data_sample.pred_edges.data[0].cpu().numpy()
        picture = np.repeat((255 * edges).astype(np.uint8)[..., None], 3, axis=2)
        if show:
            self.show(picture, win_name=f'{name}_edges', wait_time=wait_time)
        if out_file is None:
            self.add_image(f'{name}_edges', picture, step)
        else:
            path = Path(out_file)
            path = path.with_name(f'{path.stem}_edges{path.suffix}')
            mmcv.imwrite(picture, str(path), backend_args=WHOLE)
