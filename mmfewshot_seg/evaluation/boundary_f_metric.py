"""MMEngine metric around the scores of ``boundary_f``."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmfewshot_seg.evaluation.boundary_f import boundary_f_scores, pixel_radius
from mmfewshot_seg.registry import METRICS, register
from mmfewshot_seg.structures.labels import IGNORED


@register(METRICS, host='mmseg')
class BoundaryFMetric(BaseMetric):
    """Boundary F-score of semantic segmentation in per cent: mean over images, then over classes.

    It stands beside ``IoUMetric`` in any config of MMSegmentation and logs ``boundary_F@T`` for
    every threshold ``T``. See :func:`boundary_f_scores` for the score of a class in an image.

    Args:
        thresholds: Distances at which pixels are near: pixels from 1 on, below it shares of the
            image's diagonal, which are rounded up to pixels.
        count_absent: Whether a class that has no boundary in an image, neither predicted nor true,
            counts as found there, as in the published figures. It lifts rare classes. If not, such
            images are left out of its mean.
        ignore_index: Label that is left out of the evaluation.
        collect_device: ``'cpu'`` or ``'gpu'``, see ``BaseMetric``.
        prefix: Put before the names of the figures.
        collect_dir: See ``BaseMetric``.

    Raises:
        ValueError: If there is no threshold or one is not positive.

    Source: Perazzi et al., CVPR 2016; with the thresholds of Gated-SCNN (Takikawa et al., 2019).
    """

    default_prefix = ''

    def __init__(
        self,
        thresholds: Sequence[float] = (3, 5, 9, 12),
        count_absent: bool = True,
        ignore_index: int = IGNORED,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        wrong = not isinstance(thresholds, list | tuple) or not thresholds
        if wrong or min(thresholds) <= 0:
            raise ValueError(
                f'thresholds={thresholds}, expected positive pixels or shares, (3, 5) say'
            )
        self.thresholds = tuple(thresholds)
        self.count_absent = count_absent
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Reduce each image to its scores.

        Args:
            data_batch: Not used.
            data_samples: With ``pred_sem_seg`` and ``gt_sem_seg``.

        Raises:
            ValueError: If labels are outside the classes.
        """
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            pred, target = (
                sample[key]['data'].squeeze(0).cpu().numpy()
                for key in ('pred_sem_seg', 'gt_sem_seg')
            )
            radii = [pixel_radius(threshold, target.shape) for threshold in self.thresholds]
            self.results.append(
                boundary_f_scores(pred, target, num_classes, radii, self.ignore_index)
            )

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Print the table of classes; return the means over them."""
        scores = np.stack(results)
        found = ~np.isnan(scores)
        if self.count_absent:
            scores, found = np.where(found, scores, 1), np.ones_like(found)
        counts = found.sum(0)
        by_class = np.where(
            counts, np.where(found, scores, 0).sum(0) / np.maximum(counts, 1), np.nan
        )
        by_class *= 100
        table = PrettyTable(['class', *(f'F@{t}' for t in self.thresholds)], align='r')
        table.align['class'] = 'l'
        for name, values in zip(self.dataset_meta['classes'], by_class.T, strict=True):
            table.add_row([name, *(f'{value:.2f}' for value in values)])
        print_log(f'boundary F-score, per cent\n{table}', logger='current')
        return {
            f'boundary_F@{threshold}': float(np.nanmean(values))
            for threshold, values in zip(self.thresholds, by_class, strict=True)
        }
