"""The metric inside MMEngine: figures by hand, reports, several processes, networks."""

import numpy as np
import pytest
import torch
from helpers.captured_log import capture
from helpers.fewshot_models import BACKBONE, HEADS
from mmengine.registry import METRICS as ROOT_METRICS

from mmfewshot_seg.evaluation import PresenceMetric
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.registry import METRICS
from mmfewshot_seg.structures import Episode

META = dict(classes=('ant', 'bee', 'cat'), num_ways=2)


def _episode(index: int, class_ids: tuple, presence: list, shown: list, run: int = 0) -> dict:
    """Queries of 4 x 5 pixels, whose way n has pixel n - 1 where it is shown."""
    masks = torch.zeros(len(shown), 4, 5, dtype=torch.int64)
    masks[:, 3] = 255
    for mask, ways in zip(masks, shown, strict=True):
        for way in ways:
            mask[0, way - 1] = way
    meta = dict(run=run, index=index, class_ids=class_ids)
    episode = Episode(metainfo=meta, query_masks=masks, presence=torch.tensor(presence))
    return episode.to_dict()


EPISODES = [
    _episode(0, (0, 1), [[0.75, 0.5]], [[1]]),
    _episode(1, (1, 0), [[0.875, 0.25]], [[1, 2]]),
    _episode(2, (2, 0), [[0.0, 0.5], [0.625, 0.375]], [[2], []]),
    _episode(0, (1, 2), [[0.25, 0.75]], [[1]], run=1),
]


def _metric(meta: dict | None = META) -> PresenceMetric:
    metric = PresenceMetric()
    metric.dataset_meta = meta
    return metric


def _evaluate(episodes: list[dict]) -> dict[str, float]:
    metric = _metric()
    for episode in episodes:
        metric.process({}, [episode])
    return metric.evaluate(len(episodes))


def test_registered_in_both_registries() -> None:
    assert METRICS.get('PresenceMetric') is PresenceMetric
    assert ROOT_METRICS.get('mmfewshot_seg.PresenceMetric') is PresenceMetric
    assert ROOT_METRICS.get('mmseg.PresenceMetric') is PresenceMetric


def test_figures_by_hand() -> None:
    # highest first: bee 0.875 +, ant and cat 0.75 + -, cat 0.625 -, ant and bee 0.5 + -, ...
    area = (1 + 2 / 3 + 3 / 6 + 2 * 5 / 9) / 5
    ant, bee = (1 + 1 + 3 / 4) / 3, (1 + 2 / 3) / 2
    figures = _evaluate(EPISODES)
    assert figures == {
        'presence/AP': pytest.approx(area),
        'presence/mAP': pytest.approx((ant + bee) / 2),  # nobody shows a cat
        'presence/F1': pytest.approx(2 * 5 / (9 + 5)),  # found 9, right 5, shown 5
        'presence/threshold': 0.25,
        'presence/shown': pytest.approx(5 / 10),
    }


def test_any_order_of_processes_and_repeated_episodes_give_the_same() -> None:
    metric = _metric()
    metric.process({}, [EPISODES[3], EPISODES[0]])
    metric.process({}, [EPISODES[2], EPISODES[0], EPISODES[1]])
    figures = metric.compute_metrics(metric.results)
    assert {f'presence/{key}': value for key, value in figures.items()} == _evaluate(EPISODES)


def test_report_names_classes(caplog) -> None:
    with capture(caplog):
        _evaluate(EPISODES)
    lines = [line.split('|')[1:-1] for line in caplog.text.splitlines()]
    table = {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines if line}
    assert table['ant'] == ['4', '75.00', '91.67', '85.71', '0.25']
    assert table['cat'] == ['3', '0.00', 'nan', 'nan', 'nan']
    assert table['all, by one threshold'][:3] == ['10', '50.00', '65.56']
    assert 'No figures' not in caplog.text


@pytest.mark.parametrize('shown', [[1, 2], []])
def test_without_positives_or_negatives_there_are_no_figures(shown, caplog) -> None:
    with capture(caplog):
        figures = _evaluate([_episode(0, (0, 1), [[0.75, 0.5]], [shown])])
    assert all(np.isnan(figures[f'presence/{key}']) for key in ('AP', 'mAP', 'F1', 'threshold'))
    assert figures['presence/shown'] == len(shown) / 2
    assert 'some must not' in caplog.text


def test_user_errors() -> None:
    with pytest.raises(ValueError, match='set num_ways=2 or more'):
        _metric(dict(num_ways=1)).process({}, EPISODES[:1])
    metric, episode = _metric(None), EPISODES[3]
    with pytest.raises(KeyError, match="episode 0 of run 1 has no 'presence'"):
        metric.process({}, [{k: v for k, v in episode.items() if k != 'presence'}])
    with pytest.raises(ValueError, match=r'episode 0 of run 1: presence .*\(1, 2\).*\[\[1.0\]\]'):
        metric.process({}, [dict(episode, presence=torch.ones(1, 1))])
    with pytest.raises(ValueError, match='must be finite'):
        metric.process({}, [dict(episode, presence=torch.tensor([[1, np.nan]]))])
    assert not metric.results
    with pytest.raises(ValueError, match='data loader was empty'):
        metric.compute_metrics([])


@pytest.mark.parametrize('head', HEADS)
@torch.no_grad()
def test_of_the_predictions_of_a_network(head) -> None:
    torch.manual_seed(0)
    model = FewShotSegmentor(backbone=BACKBONE, decode_head=HEADS[head]).eval()
    masks = torch.zeros(1, 2, 1, 32, 32, dtype=torch.int64)
    masks[0, :, 0, 8:24, 8:24] = torch.tensor([1, 2]).view(2, 1, 1)
    inputs = dict(
        query=torch.randn(1, 2, 3, 32, 32),
        support=torch.randn(1, 2, 1, 3, 32, 32),
        support_masks=masks,
    )
    (episode,) = model.predict(inputs)
    episode.set_metainfo(dict(run=0, index=0, class_ids=(0, 2)))
    episode.query_masks = torch.tensor([1, 2]).view(2, 1, 1).expand(2, 4, 5)
    metric = _metric()
    metric.process({}, [episode.to_dict()])
    figures = metric.evaluate(1)
    assert figures['presence/shown'] == 0.5 and 0 < figures['presence/AP'] <= 1
