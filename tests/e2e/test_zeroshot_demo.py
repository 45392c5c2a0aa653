"""tools/zeroshot_demo.py and zeroshot_baselines.py: what they print and write, mistakes."""

import json
import logging
import re
from pathlib import Path

import pytest

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

from helpers.tool_calls import call_tool
from helpers.zeroshot_runs import write_own_run

DEMO = 'zeroshot_demo'
BASELINES = 'analysis_tools/zeroshot_baselines'


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('own')
    write_own_run(folder)
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs a tool in the folder, in this process; gives what it printed."""

    def run(tool: str, *arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.chdir(folder)
        # MMEngine's logger keeps the output of the first test, which is closed by now
        monkeypatch.setattr(logging, 'raiseExceptions', False)
        assert call_tool(tool, *arguments) == code, capsys.readouterr().err
        return capsys.readouterr()

    return run


@pytest.mark.slow
def test_demo_finds_classes_by_name(folder, run) -> None:
    model = ('unseen.py', 'weights.pth', 'val', '--device', 'cpu', '--score-thr', '-9')
    printed = run(DEMO, *model, '--classes', 'boat', '--out-dir', 'out').out
    assert re.search('image 2: [0-9]+ boat', printed) and 'Pictures are in out/vis' in printed
    prediction = json.loads((folder / 'out/preds/1.json').read_text())
    assert set(prediction['names']) == {'boat'} and (folder / 'out/vis/1.png').exists()
    (folder / 'words.txt').write_text('lion 1 0 0 0 0 0\ntram 0 1 0 0 0 0\n')
    options = ('--classes', 'tram', 'lion', '--vectors', 'words.txt')
    printed = run(DEMO, *model, *options, '--mode', 'generalized').out
    assert 'tram' in printed or 'lion' in printed


@pytest.mark.slow
def test_baselines_are_printed_and_written(folder, run) -> None:
    arguments = ('unseen.py', 'weights.pth', '--work-dir', 'yard', '--seeds', '1')
    printed = run(BASELINES, *arguments).out
    assert 'nearest seen class' in printed and 'zsi/segm_mAP ' in printed
    summary = json.loads((folder / 'yard/summary.json').read_text())
    assert summary['seeds'] == 1 and summary['checkpoint'] == 'weights.pth'


@pytest.mark.parametrize(
    ('tool', 'arguments', 'message'),
    [
        (DEMO, ['unseen.py', 'no.pth', 'val'], 'no.pth does not exist'),
        (DEMO, ['no.py', 'weights.pth', 'val'], 'no.py is neither a config file'),
        (DEMO, ['unseen.py', 'weights.pth', 'x.jpg'], 'there is no image, folder or video x.jpg'),
        (DEMO, ['unseen.py', 'weights.pth', 'annotations'], 'annotations holds no images'),
        (DEMO, ['unseen.py', 'weights.pth', 'val', '--classes', 'cat'], 'overlap: cat'),
        (DEMO, ['unseen.py', 'weights.pth', 'val', '--classes', 'okapi'], "for 'okapi'"),
        (DEMO, ['unseen.py', 'weights.pth', 'val', '--vectors', 'x'], '--vectors needs --classes'),
        (BASELINES, ['no.py', 'weights.pth'], 'no.py is neither a config file'),
        (BASELINES, ['unseen.py', 'weights.pth', '--seeds', '0'], '--seeds must be at least 1'),
    ],
)
def test_mistakes_are_told_in_a_line(run, tool, arguments, message) -> None:
    error = run(tool, *arguments, code=2).err
    assert message in error.splitlines()[-1]
    assert 'Traceback' not in error
