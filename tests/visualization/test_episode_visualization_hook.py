"""Which episodes the hook draws, and under which names."""

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch

from mmfewshot_seg.structures import Episode
from mmfewshot_seg.visualization import EpisodeVisualizationHook


def _batch(*indices: int):
    episodes = [
        Episode(metainfo=dict(index=index, run=1, class_names=('tv/monitor', 'cat')))
        for index in indices
    ]
    inputs = dict(query=[torch.tensor(index) for index in indices])
    return dict(inputs=inputs, data_samples=episodes), episodes


class OnlyTests:
    """A runner that only tests: asking for its iteration would build the training loop."""

    def __init__(self) -> None:
        self.visualizer, self.logger = MagicMock(), MagicMock()
        self.test_dataloader = SimpleNamespace(dataset=range(1000))

    @property
    def iter(self) -> int:
        raise AssertionError('the training loop would be built')


def test_draws_every_interval_th_episode_by_its_number() -> None:
    hook, runner = EpisodeVisualizationHook(draw=True, interval=10, out_dir='out'), OnlyTests()
    for indices in ((9, 10), (11, 20)):
        batch, episodes = _batch(*indices)
        hook.after_test_iter(runner, 0, batch, episodes)
    calls = runner.visualizer.add_datasample.call_args_list
    assert [call.args[0] for call in calls] == [
        'test_1_00010_tv-monitor_cat',
        'test_1_00020_tv-monitor_cat',
    ]
    assert calls[0].args[1] == dict(query=torch.tensor(10))
    assert calls[0].kwargs['out_file'] == 'out/test_1_00010_tv-monitor_cat.png'


@pytest.mark.parametrize(('total', 'drawn'), [(1000, 50), (120, 60), (30, 30)])
def test_draws_some_fifty_by_default_and_tells_how_many(total, drawn) -> None:
    hook, runner = EpisodeVisualizationHook(draw=True, out_dir='out'), OnlyTests()
    runner.test_dataloader.dataset = range(total)
    for index in range(total):
        hook.after_test_iter(runner, 0, *_batch(index))
    hook.after_test_epoch(runner, {})
    assert runner.visualizer.add_datasample.call_count == drawn
    runner.logger.info.assert_called_once_with(f'{drawn} pictures of episodes are in out')


def test_draws_nothing_unless_told() -> None:
    hook, runner = EpisodeVisualizationHook(), OnlyTests()
    batch, episodes = _batch(0)
    hook.after_test_iter(runner, 0, batch, episodes)
    hook.after_train_iter(SimpleNamespace(iter=0, visualizer=runner.visualizer), 0, batch)
    runner.visualizer.add_datasample.assert_not_called()


def test_training_episodes_are_drawn_at_their_interval() -> None:
    hook = EpisodeVisualizationHook(train_interval=2)
    runner = SimpleNamespace(visualizer=MagicMock(), iter=0)
    batch, _ = _batch(3, 4)
    for runner.iter in range(4):
        hook.after_train_iter(runner, runner.iter, batch)
    steps = [call.kwargs['step'] for call in runner.visualizer.add_datasample.call_args_list]
    assert steps == [1, 1, 3, 3]


@pytest.mark.parametrize('option', [dict(interval=0), dict(train_interval=-1)])
def test_intervals_are_checked(option) -> None:
    with pytest.raises(ValueError, match='interval must be positive'):
        EpisodeVisualizationHook(**option)
