"""Data that fail in the middle of a training: a line, with the file or the cure, and status 2."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tool_calls import call_tool

pytestmark = pytest.mark.slow
CONFIG = """
default_scope = 'mmseg'
norm = dict(type='BN')
pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
data = dict(
    type='BaseSegDataset', data_root='data', data_prefix=dict(img_path='img', seg_map_path='ann'),
    metainfo=dict(classes=('a', 'b')), img_suffix='.png', pipeline=pipeline)
train_dataloader = dict(
    batch_size=2, num_workers={workers}, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=data)
backbone = dict(
    type='ResNet', depth=18, base_channels=4, stem_channels=4, out_indices=(3,), norm_cfg=norm)
head = dict(
    type='PSPHead', in_channels=32, channels=4, num_classes=2, pool_scales=(1,), norm_cfg=norm)
preprocessor = dict(type='SegDataPreProcessor', size=(64, 64), seg_pad_val=255)
model = dict(
    type='EncoderDecoder', data_preprocessor=preprocessor, backbone=backbone, decode_head=head)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ('img', 'ann'):
        (tmp_path / 'data' / name).mkdir(parents=True)
    for stem in '12':
        cv2.imwrite(f'data/img/{stem}.png', np.full((64, 64, 3), 90, np.uint8))
        cv2.imwrite(f'data/ann/{stem}.png', np.eye(64, dtype=np.uint8))
    return tmp_path


def _train(capfd, *options: str, workers: int = 0) -> str:
    Path('config.py').write_text(CONFIG.format(workers=workers))
    assert call_tool('train', 'config.py', *options) == 2
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith('train: ')]
    assert len(told) == 1
    (path,) = Path('work_dirs/config').glob('*/traceback.txt')
    assert path.read_text().startswith('Traceback')
    return told[0]


@pytest.mark.parametrize('workers', [0, 1])
def test_a_missing_label(folder, capfd, workers) -> None:
    (folder / 'data/ann/2.png').unlink()
    assert 'data/ann/2.png' in _train(capfd, workers=workers)


@pytest.mark.parametrize(('name', 'told'), [('img', 'data/img/2.png'), ('ann', 'truncated')])
def test_a_file_that_is_cut_off(folder, capfd, name, told) -> None:
    path = folder / f'data/{name}/2.png'
    path.write_bytes(path.read_bytes()[:60])
    line = _train(capfd)
    assert 'an image or a label file is damaged' in line
    assert told in line


def test_a_label_without_a_class(folder, capfd) -> None:
    cv2.imwrite('data/ann/1.png', np.full((64, 64), 7, np.uint8))
    assert 'num_classes' in _train(capfd)


def test_a_batch_of_one(folder, capfd) -> None:
    told = _train(capfd, '--cfg-options', 'train_dataloader.batch_size=1')
    assert 'train_dataloader.batch_size=2' in told
