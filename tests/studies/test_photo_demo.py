"""The demo's part on photographs, with a tiny network: pictures, paths, mistakes told in a line."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.class_folder import draw_class_folder
from helpers.fewshot_models import dense_matching_config
from helpers.tool_calls import call_tool
from PIL import Image

from mmfewshot_seg.studies import photo_demo
from mmfewshot_seg.visualization.overlay import COLOURS


@pytest.fixture
def tiny_network(tmp_path, monkeypatch) -> None:
    """Instead of the encoder of photographs."""
    config = dense_matching_config(tmp_path)
    tiny = partial(photo_demo.FewShotInferencer, config, device='cpu')
    monkeypatch.setattr(photo_demo, 'FewShotInferencer', tiny)


@pytest.fixture
def folders(tmp_path) -> Path:
    """``support`` with three classes, and ``queries`` of one image of each."""
    draw_class_folder(tmp_path / 'support')
    (tmp_path / 'queries').mkdir()
    for folder in (tmp_path / 'support').iterdir():
        (folder / '0.png').unlink()
        (folder / '0.jpg').rename(tmp_path / f'queries/{folder.name}.jpg')
    return tmp_path


def test_one_picture_shows_each_example_and_its_result(tiny_network, tmp_path):
    pytest.importorskip('skimage', reason='scikit-image carries the photographs')
    path = photo_demo.segment_examples(tmp_path / 'demo/photographs.png')
    picture = np.asarray(Image.open(path)).astype(int)
    height, width = picture.shape[:2]
    assert 400 < height < 700 and 1200 < width < 1600
    outlined = np.abs(picture - COLOURS[0]).max(2) < 30
    motorcycle, coins, glands = outlined[:297, :440], outlined[327:500, :440], outlined[:, 896:]
    assert motorcycle[:, 40:410].any() and not motorcycle[:, :25].any()
    assert cv2.connectedComponents(cv2.dilate(coins.astype(np.uint8), np.ones((3, 3))))[0] - 1 >= 12
    assert glands[:, :250].any()


def test_scribbles_are_painted_and_what_is_not_annotated_is_not():
    painted = photo_demo._painted(np.array([[0, 1, 255]], np.uint8))
    assert painted.tolist() == [[2, 1, 0]]
    assert photo_demo._painted(np.array([[0, 1]], np.uint8)).tolist() == [[0, 1]]


def test_own_folders_give_a_picture_and_a_mask_of_each_query(
    tiny_network, folders, capsys, monkeypatch
):
    monkeypatch.chdir(folders)
    assert call_tool('demo', '--support', 'support', '--queries', 'queries') == 0
    printed = capsys.readouterr().out
    out = Path('work_dirs/demo/photographs')
    for name in ('disc', 'ring', 'square'):
        picture, mask = out / f'vis/{name}.jpg', out / f'pred/{name}.png'
        assert f'{picture}\n{mask}\n' in printed
        assert Image.open(picture).size == Image.open(mask).size == (60, 50)
    assert sorted(path.name for path in Path('work_dirs/demo').iterdir()) == ['photographs']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--support', 'none', '--queries', 'queries'], 'there is no folder none'),
        (['--support', 'support', '--queries', 'a.jpg'], 'there is no folder a.jpg'),
        (['--support', 'queries', '--queries', 'queries'], 'queries holds no annotations'),
        (['--support', 'support', '--queries', 'support'], 'support holds no images'),
        (['--support', 'support', '--queries', 'queries', '--mask-suffix', '.json'], 'the stem'),
        (['--support', 'support'], 'give --support and --queries together'),
    ],
)
def test_bad_folders_are_told_in_a_line(
    tiny_network, folders, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(folders)
    assert call_tool('demo', *arguments) == 2
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1] and 'Traceback' not in error
    assert not Path('work_dirs').exists()
