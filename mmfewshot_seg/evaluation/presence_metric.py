"""How well a few-shot network tells whether a query shows a class at all."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmfewshot_seg.evaluation.precision_recall import (
    average_precision,
    best_f1,
    precision_recall,
)
from mmfewshot_seg.registry import METRICS, register

EpisodeScores = tuple[int, int, tuple[int, ...], np.ndarray, np.ndarray]
"""(run, index, class ids of the N ways, (Q, N) scores, (Q, N) whether the query shows the way)."""


@register(METRICS, host='mmseg')
class PresenceMetric(BaseMetric):
    """Precision and recall of 'the query shows the class', over all thresholds of ``presence``.

    A case is a query and a way of its episode. It is positive if the query's label has a pixel of
    the way. Episodes need two ways or more, so that a query shows one of them and seldom all. The
    ways that an episode has may change the scores, as the classes of a support set do.

    The cases of all episodes and runs are counted together, whatever the number of processes. These
    figures are logged, fractions of one but for the threshold:

    ========================  ====================================================================
    ``presence/AP``           average precision, the area under the curve of precision over recall,
                              one threshold for all classes; by chance ``presence/shown``
    ``presence/mAP``          mean over classes of the average precision of each
    ``presence/F1``           the best F1 that one threshold for all classes gives
    ``presence/threshold``    that threshold, in the unit of ``presence``: what ``min_score`` of an
                              inferencer takes
    ``presence/shown``        share of the cases in which the class is shown
    ========================  ====================================================================

    A class that is shown in all its cases, or in none, does not count in mAP.

    Args:
        collect_device: ``'cpu'`` or ``'gpu'``, see ``BaseMetric``.
        prefix: Put before the names of the figures instead of ``presence``.
        collect_dir: See ``BaseMetric``.

    Examples:
        >>> test_evaluator = [
        ...     dict(type='mmfewshot_seg.FewShotIoUMetric'),
        ...     dict(type='mmfewshot_seg.PresenceMetric'),
        ... ]
    """

    default_prefix = 'presence'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the scores of each episode, and what its queries show.

        Args:
            data_batch: Not used.
            data_samples: Episodes as dicts, with ``query_masks`` (Q, H, W) and ``presence`` (Q, N).

        Raises:
            KeyError: If an episode has no ``presence``.
            ValueError: If the episodes have one way, or ``presence`` is not finite or of another
                shape.
        """
        if (self.dataset_meta or {}).get('num_ways') == 1:
            raise ValueError(
                'PresenceMetric needs episodes with queries that lack a class, but those of one '
                'way have none: set num_ways=2 or more, of a test test_dataloader.dataset.num_ways'
            )
        for sample in data_samples:
            name = f'episode {sample["index"]} of run {sample["run"]}'
            if 'presence' not in sample:
                raise KeyError(
                    f"{name} has no 'presence': the model's predict mode must set it, as "
                    'FewShotSegmentor.predict does'
                )
            class_ids = tuple(int(class_id) for class_id in sample['class_ids'])
            scores, masks = (
                torch.as_tensor(sample[key]).cpu().numpy() for key in ('presence', 'query_masks')
            )
            expected = (len(masks), len(class_ids))
            if scores.shape != expected or not np.isfinite(scores).all():
                raise ValueError(
                    f'{name}: presence must be finite and of shape {expected}, a number for each '
                    f'query and way, got {scores.tolist()}'
                )
            ways = range(1, 1 + len(class_ids))
            shown = np.array([[(mask == way).any() for way in ways] for mask in masks])
            self.results.append(
                (int(sample['run']), int(sample['index']), class_ids, scores, shown)
            )

    def compute_metrics(self, results: list[EpisodeScores]) -> dict[str, float]:
        """Print a table of classes; return the figures to log.

        Args:
            results: What ``process`` collected. An episode that comes twice is counted once.

        Raises:
            ValueError: If there is no episode.
        """
        if not results:
            raise ValueError('there is no episode to evaluate: the data loader was empty')
        unique = {result[:2]: result[2:] for result in results}
        cases: dict[int, list[tuple[float, bool]]] = {}
        for key in sorted(unique):
            class_ids, scores, shown = unique[key]
            for way, class_id in enumerate(class_ids):
                pairs = zip(scores[:, way].tolist(), shown[:, way].tolist(), strict=True)
                cases.setdefault(class_id, []).extend(pairs)
        by_class = {class_id: _figures(cases[class_id]) for class_id in sorted(cases)}
        together = _figures([case for class_id in by_class for case in cases[class_id]])
        own = [figures['AP'] for figures in by_class.values() if not np.isnan(figures['AP'])]
        mean = float(np.mean(own)) if own else float('nan')
        self._report(by_class, together, mean)
        logged = ('AP', 'F1', 'threshold', 'shown')
        return dict(mAP=mean) | {key: float(together[key]) for key in logged}

    def _report(self, by_class: dict[int, dict], together: dict, mean: float) -> None:
        names = (self.dataset_meta or {}).get('classes')
        table = PrettyTable(['class', 'cases', 'shown', 'AP', 'F1', 'threshold'], align='r')
        table.align['class'] = 'l'
        rows = {names[i] if names else f'class {i}': figures for i, figures in by_class.items()}
        for name, figures in {**rows, 'all, by one threshold': together}.items():
            shares = (f'{100 * figures[key]:.2f}' for key in ('shown', 'AP', 'F1'))
            table.add_row([name, figures['cases'], *shares, f'{figures["threshold"]:.4g}'])
        print_log(
            f'presence of classes in queries, per cent\n{table}\n'
            f'mean of the AP of the classes {100 * mean:.2f}',
            logger='current',
        )
        if np.isnan(together['AP']):
            print_log(
                'No figures of presence: of the queries some must show a class of their episode, '
                'and some must not',
                logger='current',
                level=logging.WARNING,
            )


def _figures(cases: list[tuple[float, bool]]) -> dict[str, float]:
    """Figures of pairs of a score and whether the class is shown; NaN if all are alike in that."""
    scores, shown = (np.array(column) for column in zip(*cases, strict=True))
    figures = dict(cases=len(cases), shown=float(shown.mean()))
    if not 0 < figures['shown'] < 1:
        return figures | dict.fromkeys(('AP', 'F1', 'threshold'), float('nan'))
    thresholds, precision, recall = precision_recall(scores, shown)
    f1, threshold = best_f1(thresholds, precision, recall)
    return figures | dict(AP=average_precision(precision, recall), F1=f1, threshold=threshold)
