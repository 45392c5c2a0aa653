"""The order of the demo's steps and what it leaves, without a network."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.fewshot_models import fewshot_config

from mmfewshot_seg.datasets.drawn import draw_dataset
from mmfewshot_seg.files.tensor_file import load_tensors
from mmfewshot_seg.studies import demo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quick_demo(tmp_path, monkeypatch):
    """Runs the demo with figures and pictures that are made up."""

    def fake_test(arguments, out, total):
        if '--show-dir' in arguments:
            pictures = arguments[arguments.index('--show-dir') + 1]
            pictures.mkdir(exist_ok=True)
            cv2.imwrite(str(pictures / 'test_0_00001_b.png'), np.full((4, 6, 3), 7, np.uint8))
        assert ('pretrained' in arguments) == ('dense_matching' in out.name)
        return {'mIoU': {'test': 0.5, 'test_dense_matching': 0.4, 'test_untrained': 0.3}[out.name]}

    monkeypatch.setenv('DRAWN_DATA', '')
    monkeypatch.setenv('OMP_WAIT_POLICY', 'passive')
    monkeypatch.setattr(demo, 'segment_examples', lambda path: path)
    monkeypatch.setattr(demo, 'draw_dataset', lambda out_dir, **kwargs: out_dir)
    monkeypatch.setattr(demo, 'run_tool', lambda *args: None)
    monkeypatch.setattr(demo, '_test', fake_test)
    monkeypatch.setattr(demo, '_save_untrained', lambda cfg, path: path)
    monkeypatch.setattr(demo, 'episode_baselines', lambda cfg: {'all foreground': 0.2})
    return lambda: demo.run_demo(ROOT, tmp_path)


def test_pictures_of_an_earlier_run_do_not_enter(quick_demo, tmp_path):
    (tmp_path / 'pictures').mkdir()
    cv2.imwrite(str(tmp_path / 'pictures' / 'test_0_00000_a.png'), np.zeros((4, 6, 3), np.uint8))
    picture = cv2.imread(str(quick_demo()))
    assert [path.name for path in (tmp_path / 'pictures').iterdir()] == ['test_0_00001_b.png']
    assert picture.shape == (4, 6, 3) and (picture == 7).all()


def test_photographs_come_first(quick_demo, tmp_path, capsys):
    quick_demo()
    assert str(tmp_path / 'photographs.png') in capsys.readouterr().out.splitlines()[0]


def test_table_and_summary_hold_every_figure(quick_demo, tmp_path, capsys):
    quick_demo()
    printed = capsys.readouterr().out
    rows = [row.strip('| ').rsplit('|', 1) for row in printed.splitlines() if row[:1] == '|']
    assert [(name.split()[0], figure.strip()) for name, figure in rows] == [
        ('novel', 'mIoU'),
        ('trained', '0.500'),
        ('without', '0.400'),
        ('untrained', '0.300'),
        ('all', '0.200'),
    ]
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['episodes'] == 300 and summary['novel_classes'] == {'mIoU': 0.5}
    assert summary['dense_matching'] == {'mIoU': 0.4}
    assert summary['baselines'] == {'untrained network': 0.3, 'all foreground': 0.2}
    assert not list(tmp_path.glob('*.part'))


def test_data_of_other_settings_are_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv('DRAWN_DATA', '')
    monkeypatch.setattr(demo, 'segment_examples', lambda path: path)
    draw_dataset(tmp_path / 'data', num_train=1, num_test=1, size=64)
    with pytest.raises(FileExistsError, match=r'data was drawn with other settings .*: remove it'):
        demo.run_demo(ROOT, tmp_path)


def test_untrained_weights_are_written_without_listing_them(tmp_path, capfd) -> None:
    cfg = fewshot_config()
    cfg.randomness = dict(seed=0)
    path = demo._save_untrained(cfg, tmp_path / 'untrained.pth')
    assert 'backbone.conv1.weight' in load_tensors(path)['state_dict']
    assert 'init_weights' not in ''.join(capfd.readouterr())
