"""tools/fewshot_demo.py from end to end: results, saved supports, mistakes told in a line."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.class_folder import draw_class_folder
from helpers.fewshot_models import fewshot_config, save_weights

TOOL = Path(__file__).parents[2] / 'tools/fewshot_demo.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Config, weights, a folder of supports and one of queries."""
    folder = tmp_path_factory.mktemp('demo')
    config = fewshot_config()
    config.dump(folder / 'config.py')
    save_weights(config, folder / 'weights.pth')
    draw_class_folder(folder / 'support')
    (folder / 'support' / 'ring' / '2.jpg').unlink()
    (folder / 'support' / 'ring' / '2.png').unlink()
    (folder / 'queries').mkdir()
    for name in ('disc', 'square'):
        (folder / 'support' / name / '1.jpg').rename(folder / 'queries' / f'{name}.jpg')
        (folder / 'support' / name / '1.png').unlink()
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs the tool in the folder, in this process; gives what it printed."""

    def run(*arguments: str, code: int | None = None) -> tuple[str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *arguments])
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as error:
            assert error.code == code, capsys.readouterr().err
        else:
            assert code is None
        return capsys.readouterr()

    return run


@pytest.mark.slow
def test_folder_saved_support_and_single_files_give_the_same(folder, run) -> None:
    model = ('config.py', 'weights.pth', 'queries', '--device', 'cpu', '--out-dir')
    options = ('--save-support', 's.pth', '--batch-size', '2', '--save-scores')
    printed = run(*model, 'one', '--support', 'support', *options).out
    assert 'square: disc ' in printed and 'Pictures are in one/vis' in printed
    run(*model, 'two', '--load-support', 's.pth')
    images = sorted(str(path) for path in (folder / 'support').rglob('*.jpg'))
    masks = [path.replace('.jpg', '.png') for path in images]
    names = [Path(path).parent.name for path in images]
    single = ('--images', *images, '--masks', *masks, '--class-names', *names)
    run(*model, 'three', *single)
    for name in ('disc', 'square'):
        one, two, three = (
            cv2.imread(str(folder / out / 'pred' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
            for out in ('one', 'two', 'three')
        )
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
        scores = np.load(folder / 'one' / 'pred' / f'{name}.npy')
        assert scores.shape == (4, 50, 60)
        assert (folder / 'one' / 'vis' / f'{name}.jpg').exists()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['config.py', 'no.pth', 'q', '--support', 'support'], 'no.pth does not exist'),
        (['no.py', 'weights.pth', 'q', '--support', 'support'], 'no.py is neither a config file'),
        (['config.py', 'weights.pth', 'q', '--support', 'none'], "'none' is no folder"),
        (['config.py', 'weights.pth', 'q.jpg', '--support', 'support'], 'q.jpg: [Errno 2]'),
        (['config.py', 'weights.pth', 'q.jpg', '--load-support', 'x.pth'], 'x.pth'),
        (['config.py', 'weights.pth', 'q', '--images', 'a.jpg'], '--images needs --masks'),
        (['config.py', 'weights.pth', 'q'], 'give one of --support, --images'),
    ],
)
def test_mistakes_are_told_in_a_line(run, arguments, message) -> None:
    error = run(*arguments, code=2).err
    assert message in error.splitlines()[-1]
    assert 'Traceback' not in error
