"""MMEngine metric around the counts of ``fewshot_iou``."""

import logging
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from prettytable import PrettyTable
from torch import Tensor

from mmfewshot_seg.evaluation.fewshot_iou import IGNORED, EpisodeCounts, episode_counts, summarize
from mmfewshot_seg.registry import METRICS, register


@register(METRICS, host='mmseg')
class FewShotIoUMetric(BaseMetric):
    """mIoU, FB-IoU and per-episode mIoU of few-shot segmentation, as fractions of one.

    Prints the figures per class and per run together with the protocol, and logs ``mIoU``,
    ``FB-IoU``, ``episode_mIoU`` and, with several runs, ``mIoU_std`` and ``FB-IoU_std``
    (population standard deviation). See :func:`summarize` for the definitions. Any number of
    processes gives the same figures.

    Args:
        ignore_index: Label that is left out of the evaluation.
        collect_device: ``'cpu'`` or ``'gpu'``, see ``BaseMetric``.
        prefix: Put before the names of the figures.
        collect_dir: See ``BaseMetric``.
    """

    default_prefix = ''

    def __init__(
        self,
        ignore_index: int = IGNORED,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.ignore_index = ignore_index

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Reduce each episode to its counts.

        Args:
            data_batch: Not used.
            data_samples: Episodes as dicts, with ``query_masks`` and ``pred_masks`` (Q, H, W).

        Raises:
            KeyError: If an episode has no prediction.
            ValueError: If prediction and truth do not fit, or a class is unknown.
        """
        for sample in data_samples:
            name = f'episode {sample["index"]} of run {sample["run"]}'
            if 'pred_masks' not in sample:
                raise KeyError(
                    f"{name} has no 'pred_masks': the model's predict mode must set them, as "
                    'FewShotSegmentor.predict does'
                )
            class_ids = tuple(int(class_id) for class_id in sample['class_ids'])
            self._check_classes(class_ids, name)
            pred, target = (_to_array(sample[key]) for key in ('pred_masks', 'query_masks'))
            try:
                counts = episode_counts(pred, target, len(class_ids), self.ignore_index)
            except ValueError as error:
                raise ValueError(f'{name}: {error}') from None
            self.results.append((int(sample['run']), int(sample['index']), class_ids, counts))

    def compute_metrics(self, results: list[EpisodeCounts]) -> dict[str, float]:
        """Print the tables; return the figures to log."""
        summary = summarize(results)
        self._report(summary)
        metrics = {
            'mIoU': summary['miou'],
            'FB-IoU': summary['binary_iou'],
            'episode_mIoU': summary['episode_miou'],
        }
        if summary['num_runs'] > 1:
            metrics['mIoU_std'] = summary['miou_std']
            metrics['FB-IoU_std'] = summary['binary_iou_std']
        return {key: float(value) for key, value in metrics.items()}

    def _check_classes(self, class_ids: tuple[int, ...], name: str) -> None:
        num_classes = len(self._meta('classes', ()))
        unknown = [class_id for class_id in class_ids if not 0 <= class_id < num_classes]
        if unknown and num_classes:
            raise ValueError(
                f'{name} asks for class {unknown[0]}, but the data set has {num_classes} classes: '
                'class_ids are 0-based indices into its classes'
            )

    def _meta(self, key: str, default=None):
        return (self.dataset_meta or {}).get(key, default)

    def _report(self, summary: dict) -> None:
        """Table of classes, table of runs, and by which protocol the figures were obtained."""
        runs = sorted(int(k[3:-5]) for k in summary if k.startswith('run') and k.endswith('/miou'))
        names = self._meta('classes')
        table = PrettyTable(['class', 'IoU', *(['std'] if len(runs) > 1 else [])], align='r')
        table.align['class'] = 'l'
        for class_id, *values in zip(
            summary['class_ids'], summary['class_iou'], summary['class_iou_std'], strict=True
        ):
            name = names[class_id] if names else f'class {class_id}'
            table.add_row([name, *(f'{100 * v:.2f}' for v in values[: 1 + (len(runs) > 1)])])

        keys = {'mIoU': 'miou', 'FB-IoU': 'binary_iou', 'episode mIoU': 'episode_miou'}
        totals = PrettyTable(['run', *keys], align='r')
        rows: list[tuple[int | str, str, str]] = []
        if len(runs) > 1:
            rows += [(run, f'run{run}/', '') for run in runs]
        rows += [('mean' if rows else runs[0], '', '')]
        rows += [('std', '', '_std')] if len(runs) > 1 else []
        for label, before, after in rows:
            figures = (100 * summary[f'{before}{key}{after}'] for key in keys.values())
            totals.add_row([label, *(f'{figure:.2f}' for figure in figures)])
        text = f'few-shot evaluation, per cent\n{table}\n{totals}\n{self._protocol(summary)}'
        print_log(text, logger='current')
        self._warn_incomplete(summary)

    def _protocol(self, summary: dict) -> str:
        """How the episodes were drawn, on one line."""
        words = [f'{summary["num_episodes"]} episodes in {summary["num_runs"]} run(s)']
        if self._meta('num_ways'):
            words.insert(0, f'{self._meta("num_ways")}-way {self._meta("num_shots")}-shot')
        for key, text in (
            ('protocol', 'protocol {}'),
            ('seed', 'seed {}'),
            ('eval_at', 'evaluated at {} resolution'),
        ):
            if self._meta(key) is not None:
                words.append(text.format(self._meta(key)))
        return ', '.join(words)

    def _warn_incomplete(self, summary: dict) -> None:
        """Say so when the figures are not those of the whole protocol."""
        num_episodes = (self._meta('num_episodes') or 0) * (self._meta('num_runs') or 1)
        warnings = []
        if num_episodes and summary['num_episodes'] != num_episodes:
            warnings.append(
                f'{summary["num_episodes"]} of the {num_episodes} episodes were evaluated: these '
                'are not the figures of the protocol'
            )
        names, novel = self._meta('classes', ()), set(self._meta('novel_classes', ()))
        evaluated = {names[class_id] for class_id in summary['class_ids'] if names}
        missing = sorted(novel - evaluated) if evaluated & novel else []
        if missing:
            warnings.append(
                f'no episode asks for {", ".join(missing)}: mIoU is the mean over the other '
                'classes of the fold'
            )
        for warning in warnings:
            print_log(warning, logger='current', level=logging.WARNING)


def _to_array(labels: Tensor | np.ndarray) -> np.ndarray:
    return labels.cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
