"""The metric inside MMEngine: figures, reports, several processes."""

from itertools import chain, zip_longest

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import METRICS as ROOT_METRICS
from torch.utils.data import Dataset

from mmfewshot_seg.evaluation import FewShotIoUMetric
from mmfewshot_seg.registry import METRICS
from mmfewshot_seg.structures import Episode

META = dict(
    classes=('ant', 'bee', 'cat'),
    novel_classes=('bee', 'cat'),
    protocol='panet',
    num_ways=1,
    num_shots=5,
    num_episodes=3,
    num_runs=2,
    seed=1234,
    eval_at='network',
)


class EpisodeAnswers(Dataset):
    """Random predictions and truths of 2 runs of 3 episodes: item i is the same everywhere."""

    def __len__(self):
        return META['num_episodes'] * META['num_runs']

    def __getitem__(self, i):
        run, index = divmod(i, META['num_episodes'])
        rng = np.random.RandomState([run, index])
        pred, target = torch.from_numpy(rng.randint(0, 2, (2, 1, 6, 7)))
        target[..., 0] = 255
        episode = Episode(
            metainfo=dict(run=run, index=index, class_ids=(1 + i % 2,)),
            query_masks=target,
            pred_masks=pred,
        )
        return episode.to_dict()


def build(meta=META) -> FewShotIoUMetric:
    metric = FewShotIoUMetric()
    metric.dataset_meta = meta
    return metric


def evaluate(indices=None) -> dict:
    metric, answers = build(), EpisodeAnswers()
    for i in indices if indices is not None else range(len(answers)):
        metric.process({}, [answers[i]])
    return metric.evaluate(len(answers))


@pytest.fixture
def log_text(caplog):
    """Text of the log so far."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


def test_registered_in_both_registries():
    assert METRICS.get('FewShotIoUMetric') is FewShotIoUMetric
    assert ROOT_METRICS.get('mmfewshot_seg.FewShotIoUMetric') is FewShotIoUMetric
    assert ROOT_METRICS.get('mmseg.FewShotIoUMetric') is FewShotIoUMetric


def test_figures_agree_with_pixels():
    answers = EpisodeAnswers()
    figures = evaluate()
    keys = {'mIoU', 'FB-IoU', 'episode_mIoU', 'mIoU_std', 'FB-IoU_std'}
    assert set(figures) == keys
    runs = []
    for run in range(2):
        items = [answers[3 * run + k] for k in range(3)]
        ious = []
        for class_id in (1, 2):
            mine = [a for a in items if a['class_ids'] == (class_id,)]
            pred, target = (
                torch.cat([a[k] for a in mine])[..., 1:].bool()
                for k in ('pred_masks', 'query_masks')
            )
            ious.append(((pred & target).sum() / (pred | target).sum()).item())
        runs.append(np.mean(ious))
    assert figures['mIoU'] == pytest.approx(np.mean(runs))
    assert figures['mIoU_std'] == pytest.approx(np.std(runs))


def test_collected_from_processes_in_any_order():
    whole = evaluate()
    assert evaluate([5, 0, 3, 1, 4, 2]) == whole
    halves = ([0, 2, 4, 0], [1, 3, 5])  # the sampler filled up the first with episode 0
    order = [i for i in chain(*zip_longest(*halves)) if i is not None]
    metric, answers = build(), EpisodeAnswers()
    for i in order:
        metric.process({}, [answers[i]])
    assert metric.compute_metrics(metric.results) == whole


def test_report_names_classes_and_protocol(log_text):
    evaluate()
    text = log_text()
    for part in (
        'bee',
        'cat',
        'episode mIoU',
        'std',
        '1-way 5-shot',
        '6 episodes in 2 run(s)',
        'protocol panet',
        'seed 1234',
        'evaluated at network resolution',
    ):
        assert part in text
    assert 'ant' not in text
    assert 'not the figures' not in text


def test_incomplete_evaluation_is_said(log_text):
    evaluate([0, 2])
    assert '2 of the 6 episodes were evaluated' in log_text()
    assert 'no episode asks for cat' in log_text()


def test_one_run_has_no_spread_and_needs_no_meta():
    metric, answers = build(None), EpisodeAnswers()
    metric.process({}, [answers[i] for i in range(3)])
    assert set(metric.compute_metrics(metric.results)) == {'mIoU', 'FB-IoU', 'episode_mIoU'}


def test_user_errors():
    metric, sample = build(), EpisodeAnswers()[4]
    with pytest.raises(KeyError, match="episode 1 of run 1 has no 'pred_masks'"):
        metric.process({}, [{k: v for k, v in sample.items() if k != 'pred_masks'}])
    with pytest.raises(ValueError, match='asks for class 3, but the data set has 3 classes'):
        metric.process({}, [dict(sample, class_ids=(3,))])
    with pytest.raises(ValueError, match='episode 1 of run 1: .*must have one shape'):
        metric.process({}, [dict(sample, pred_masks=sample['pred_masks'][..., 1:])])
    with pytest.raises(ValueError, match='prediction contains label 7'):
        metric.process({}, [dict(sample, pred_masks=sample['pred_masks'] * 7)])
    assert not metric.results
