"""How well predicted edges are told from the rest."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.registry import METRICS, register
from mmfewshot_seg.structures.labels import IGNORED

LEVELS = 256


@register(METRICS, host='mmseg')
class EdgeMetric(BaseMetric):
    """F-score and average precision of the edges that :class:`GatedSCNN` predicts, in per cent.

    It stands beside ``IoUMetric``. Every pixel of the data set is an edge or none, by the labels of
    the classes; ``edge_F`` is that of the best threshold of the probability for the whole data set,
    ``edge_AP`` the mean precision over all of them. There is no tolerance: true edges are bands, of
    ``radius`` pixels on either side of a boundary, as those that are learned.

    Args:
        radius: See :func:`shape_edges`; that of the training.
        ignore_index: Label of ignored pixels, whose edges are unknown and do not count.
        collect_device: ``'cpu'`` or ``'gpu'``, see ``BaseMetric``.
        prefix: Put before the names of the figures.
        collect_dir: See ``BaseMetric``.

    Raises:
        ValueError: If the radius is less than 1.
    """

    default_prefix = ''

    def __init__(
        self,
        radius: int = 2,
        ignore_index: int = IGNORED,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if radius < 1:
            raise ValueError(f'radius={radius}, expected at least 1')
        self.radius = radius
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count pixels by their probability.

        Args:
            data_batch: Not used.
            data_samples: With ``pred_edges`` and ``gt_sem_seg``.

        Raises:
            ValueError: If there are no predicted edges.
        """
        for sample in data_samples:
            if 'pred_edges' not in sample:
                raise ValueError(
                    'there are no predicted edges: EdgeMetric is for a model of type '
                    'mmfewshot_seg.GatedSCNN with its head'
                )
            edges = shape_edges(
                sample['gt_sem_seg']['data'][0].cpu(), self.radius, self.ignore_index
            )
            levels = (sample['pred_edges']['data'][0].cpu() * (LEVELS - 1)).round().long()
            counts = [torch.bincount(levels[edges == kind], minlength=LEVELS) for kind in (0, 1)]
            self.results.append(torch.stack(counts).numpy())

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Figures of counts (2, LEVELS) of each image: other pixels and edges by probability."""
        others, edges = np.sum(results, axis=0)[:, ::-1].cumsum(axis=1)  # at this level or above
        precision = edges / np.maximum(edges + others, 1)
        recall = edges / max(edges[-1], 1)
        scores = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
        gained = np.diff(recall, prepend=0)
        return dict(
            edge_F=float(100 * scores.max()), edge_AP=float(100 * (gained * precision).sum())
        )
