"""Tools in processes of their own: their progress, their faults, their figures."""

import json
from functools import partial
from io import StringIO

import pytest
from mmengine.utils import ProgressBar

from mmfewshot_seg.studies import tool_runs
from mmfewshot_seg.studies.tool_runs import newest_figures, run_tool, write_summary

RUN = """
import sys

import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner


class Net(BaseModel):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x, mode):
        return dict(loss=self.weight.sum()) if mode == 'loss' else [dict()]


class Count(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(number=float(len(results)))


def loader(length):
    sampler = dict(type='DefaultSampler', shuffle=False)
    return dict(dataset=[dict(x=0.0)] * length, batch_size=1, sampler=sampler)


runner = Runner(
    Net(),
    sys.argv[2],
    train_dataloader=loader(6),
    test_dataloader=loader(5),
    train_cfg=dict(by_epoch=False, max_iters=6),
    optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
    test_cfg=dict(),
    test_evaluator=Count(),
    log_processor=dict(by_epoch=False),
    default_hooks=dict(logger=dict(type='LoggerHook', interval=2, log_metric_by_epoch=False)),
)
getattr(runner, sys.argv[1])()
"""


@pytest.mark.slow
def test_progress_and_figures_of_mmengine_s_runner(tmp_path, capsys, monkeypatch) -> None:
    script, work_dir = tmp_path / 'run.py', tmp_path / 'work'
    script.write_text(RUN)
    # A test ends with a line of its figures, which has the number of its last iteration again.
    for verb, total in (('train', 6), ('test', 5)):
        log = tmp_path / 'logs' / f'{verb}.log'
        monkeypatch.setattr(
            tool_runs, 'ProgressBar', partial(ProgressBar, file=(bar := StringIO()))
        )
        seconds = run_tool('A run', [script, verb, work_dir], log, total)
        assert f'A run; log: {log}' in capsys.readouterr().out and seconds > 0
        shown = [n for n in range(1, total + 1) if f'] {n}/{total},' in bar.getvalue()]
        assert shown == {'train': [2, 4, 6], 'test': [2, 4, 5]}[verb]
        assert f'Iter({verb})' in log.read_text()
    assert newest_figures(work_dir)['number'] == 5


def test_a_fault_is_told_with_the_end_of_the_log(tmp_path) -> None:
    script, log = tmp_path / 'bad.py', tmp_path / 'bad.log'
    script.write_text('for n in range(50): print(n, "of it")\nraise SystemExit("too bad")\n')
    with pytest.raises(RuntimeError, match=r'bad\.py failed; the end of .*bad\.log') as error:
        run_tool('A run', [script], log, 1)
    assert 'too bad' in str(error.value) and '49 of it' in str(error.value)
    assert '\n3 of it' not in str(error.value) and '\n3 of it' in log.read_text()


def test_figures_are_those_of_the_last_test(tmp_path) -> None:
    for name, figure in (('20260102_000000', 0.5), ('20260101_000000', 0.25)):
        (tmp_path / name / 'vis_data').mkdir(parents=True)
        (tmp_path / name / f'{name}.json').write_text(json.dumps(dict(mIoU=figure)))
        (tmp_path / name / 'vis_data' / 'scalars.json').write_text('{}')
    assert newest_figures(tmp_path) == dict(mIoU=0.5)


def test_summaries_name_their_command(tmp_path) -> None:
    write_summary(tmp_path / 'summary.json', seed=3)
    content = json.loads((tmp_path / 'summary.json').read_text())
    assert list(content) == ['command', 'seed'] and content['seed'] == 3
