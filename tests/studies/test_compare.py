"""The order of a comparison's steps and what it leaves, without training."""

import json
from pathlib import Path

import cv2
import pytest

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.studies import compare as module

TOOLS = Path('tools')


@pytest.fixture
def runs(tmp_path, monkeypatch) -> list[list[str]]:
    """Arguments of the tools that were run; trainings leave a checkpoint, tests made-up figures."""
    found = []

    def fake_run(title, arguments, log, total):
        found.append([str(x) for x in arguments])
        if arguments[0].name == 'train.py':
            work_dir = Path(arguments[arguments.index('--work-dir') + 1])
            work_dir.mkdir(parents=True, exist_ok=True)
            (work_dir / f'iter_{total}.pth').touch()
        return 7.4

    monkeypatch.setattr(module, 'run_tool', fake_run)
    figures = {'b_test': {'segm_mAP': 0.25, 'time': 3}, 'c_test': {'segm_mAP': 0.5, 'time': 3}}
    monkeypatch.setattr(module, 'newest_figures', lambda path: figures[path.name])
    for name in 'abc':
        (tmp_path / f'{name}.py').write_text('train_cfg = dict(max_iters=5)\n')
    return found


def run(tmp_path, names='bc', **options) -> dict:
    configs = [str(tmp_path / f'{name}.py') for name in names]
    return module.compare(TOOLS, tmp_path / 'out', configs, **options)


def test_every_config_is_trained_and_tested_from_one_seed(runs, tmp_path) -> None:
    rows = run(tmp_path, figures=['*mAP'], seed=3)
    assert [Path(x[0]).name for x in runs] == ['train.py', 'test.py'] * 2
    assert all(x[x.index('--seed') + 1] == '3' for x in runs[::2])
    expected = dict(segm_mAP=0.25, train_cpu_seconds=7, test_cpu_seconds=7)
    assert rows == {'b': expected, 'c': {**expected, 'segm_mAP': 0.5}}
    summary = json.loads((tmp_path / 'out/summary.json').read_text())
    assert summary['results'] == rows and summary['seed'] == 3
    picture = cv2.imread(str(tmp_path / 'out/figures.png'))
    assert len({tuple(colour) for colour in picture.reshape(-1, 3)}) > 2


def test_all_start_from_the_pretrained_weights(runs, tmp_path) -> None:
    rows = run(tmp_path, pretrain=str(tmp_path / 'a.py'), cfg_options=['x=1'])
    weights = f'load_from={tmp_path}/out/a/iter_5.pth'
    assert [Path(x[0]).name for x in runs] == ['train.py', *['train.py', 'test.py'] * 2]
    assert [x[-3:] for x in runs if 'train.py' in x[0]][1:] == [
        ['--cfg-options', 'x=1', weights]
    ] * 2
    assert [weights in x for x in runs] == [False, True, False, True, False]
    assert rows['a'] == dict(train_cpu_seconds=7)


def test_what_is_trained_is_only_tested(runs, tmp_path) -> None:
    run(tmp_path)
    del runs[:]
    assert 'train_cpu_seconds' not in run(tmp_path)['b']
    assert [Path(x[0]).name for x in runs] == ['test.py'] * 2


def test_mistakes_are_told_before_the_first_training(runs, tmp_path) -> None:
    with pytest.raises(
        ValueError, match='missing.py is neither a config file nor the name of a config'
    ):
        run(tmp_path, ['b', 'missing'])
    with pytest.raises(UsageError, match='names of their own, got b, b'):
        run(tmp_path, 'bb')
    (tmp_path / 'epochs.py').write_text('train_cfg = dict(max_epochs=5)\n')
    with pytest.raises(UsageError, match='epochs.py has no train_cfg.max_iters'):
        run(tmp_path, ['b', 'epochs'])
    assert not runs


def test_patterns_that_match_nothing_are_told_with_what_there_is(runs, tmp_path) -> None:
    with pytest.raises(
        UsageError, match=r"no figure is like \*AP50, there are \['segm_mAP', 'time'"
    ):
        run(tmp_path, figures=['*AP50'])
