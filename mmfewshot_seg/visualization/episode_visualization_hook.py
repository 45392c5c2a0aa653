"""Draws episodes while a model is tested, validated or trained."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfewshot_seg.registry import HOOKS, register
from mmfewshot_seg.structures import Episode
from mmfewshot_seg.visualization.episode_visualizer import episode_name

PICTURES = 50


@register(HOOKS, host='mmseg')
class EpisodeVisualizationHook(Hook):
    """Gives episodes to the runner's :class:`EpisodeVisualizer`.

    Which episodes are drawn depends on their numbers alone, not on the number of processes.

    Args:
        draw: Whether to draw in validation and test; ``tools/test.py --show-dir`` sets it.
        interval: In validation and test every ``interval``-th episode of a run is drawn; by default
            so that there are about ``PICTURES`` pictures.
        train_interval: In training the episodes of every ``train_interval``-th iteration are
            drawn with their truth; 0 for none.
        out_dir: Folder of the pictures; by default the visualizer's backends get them.

    Raises:
        ValueError: If an interval is out of range.
    """

    def __init__(
        self,
        draw: bool = False,
        interval: int | None = None,
        train_interval: int = 0,
        out_dir: str | None = None,
    ) -> None:
        if (interval is not None and interval < 1) or train_interval < 0:
            raise ValueError(
                f'interval must be positive and train_interval not negative, got {interval} and '
                f'{train_interval}'
            )
        self.draw = draw
        self.interval = interval
        self.train_interval = train_interval
        self.out_dir = out_dir
        self._drawn = 0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict | None = None
    ) -> None:
        """Draw what the training sees."""
        if self.train_interval and self.every_n_train_iters(runner, self.train_interval):
            for i, episode in enumerate(data_batch['data_samples']):
                self._draw(runner, data_batch, i, episode, 'train', runner.iter)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[Episode]
    ) -> None:
        """Draw predictions of the validation."""
        self._draw_chosen(runner, data_batch, outputs, 'val', runner.iter)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[Episode]
    ) -> None:
        """Draw predictions of the test."""
        # A runner that only tests would build its training loop to answer `runner.iter`.
        self._draw_chosen(runner, data_batch, outputs, 'test', step=0)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Tell how many pictures there are."""
        drawn = sum(all_gather_object(self._drawn))
        if self.draw and self.out_dir is not None:
            runner.logger.info(f'{drawn} pictures of episodes are in {self.out_dir}')

    def _draw_chosen(
        self, runner: Runner, data_batch: dict, episodes: Sequence[Episode], mode: str, step: int
    ) -> None:
        if not self.draw:
            return
        total = len(getattr(runner, f'{mode}_dataloader').dataset)
        interval = self.interval or max(1, total // PICTURES)
        for i, episode in enumerate(episodes):
            if episode.index % interval == 0:
                self._draw(runner, data_batch, i, episode, mode, step)
                self._drawn += 1

    def _draw(
        self, runner: Runner, data_batch: dict, i: int, episode: Episode, mode: str, step: int
    ) -> None:
        """Draw ``episode``, the ``i``-th of the batch."""
        name = episode_name(mode, episode)
        runner.visualizer.add_datasample(
            name,
            {key: values[i] for key, values in data_batch['inputs'].items()},
            episode,
            out_file=None if self.out_dir is None else str(Path(self.out_dir) / f'{name}.png'),
            step=step,
        )
