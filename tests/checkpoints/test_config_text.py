"""The config in a checkpoint: names and values pass, whatever would run is refused."""

from pathlib import Path

import pytest
import torch
from helpers.fewshot_models import fewshot_config
from mmengine.config import Config

from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.checkpoints.config_text import config_of_checkpoint

ROOT = Path(__file__).parents[2]


def _checkpoint(folder: Path, text: str | None, **more) -> Path:
    torch.save(dict(state_dict={}, meta=dict(cfg=text), **more), folder / 'a.pth')
    return folder / 'a.pth'


@pytest.mark.parametrize('place', ['meta', 'message_hub'])
def test_configs_of_trainings_are_read_as_they_were(place, tmp_path) -> None:
    config = fewshot_config()
    config.scales = [(1, -2.5), {'no identifier': None, 3: True}, (), 'a\nb']
    text = config.pretty_text
    hub = dict(runtime_info=dict(cfg=text))
    path = _checkpoint(tmp_path, text if place == 'meta' else None, message_hub=hub)
    assert config_of_checkpoint(path).to_dict() == config.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize(
    'name',
    [
        'panet/panet_r18-d8_1xb8-2k_class-folder',
        'gscnn/gscnn_wrn38-d8_8xb1-175e_cityscapes-720x720',
        'refinemask/refinemask_r50_fpn_1x_coco',
        'zsi/zsi_r101_fpn_1x_coco-48-17',
    ],
)
def test_configs_of_the_package_are_data(name, tmp_path) -> None:
    config = Config.fromfile(ROOT / f'configs/{name}.py')
    read = config_of_checkpoint(_checkpoint(tmp_path, config.pretty_text))
    assert read.to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ("import os\nos.mkdir('mark')", 'line 1: import os'),
        ("model = __import__('os').mkdir('mark')", 'line 1: __import__'),
        ("a = 1\nmodel = dict(a=[open('mark', 'w')])", 'line 2: open'),
        ('model = dict(a=(lambda: 1)())', 'line 1'),
        ("model = f'{1}'", 'line 1'),
        ('model = [x for x in (1,)]', 'line 1'),
        ('if True:\n    model = 1', 'line 1: if True'),
        ('model = {**other}', 'line 1: {**other}'),
        ('model = dict(', 'never closed'),
        ("model = dict(backbone=dict(type='os.mkdir', path='mark'))", "type='os.mkdir'"),
        ("model = [dict(type='mmengine.load', file='x')]", "type='mmengine.load'"),
        ("model = (dict(type='antigravity'),)", "type='antigravity'"),
        ('nms = dict(type=\'__import__("os").mkdir("mark")\')', 'type='),
        ("a = dict(type='CameraMotionCompensation', warp_mode='1')", 'CameraMotion'),
    ],
)
def test_more_than_data_is_refused(text, named, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match='a.pth is more than data.*trust_checkpoint') as error:
        config_of_checkpoint(_checkpoint(tmp_path, text))
    assert named in str(error.value)
    assert not Path('mark').exists()


def test_trust_runs_it(tmp_path) -> None:
    path = _checkpoint(tmp_path, 'import math\nx = math.floor(1.5)')
    assert config_of_checkpoint(path, trust=True).x == 1


def test_no_config_is_told(tmp_path) -> None:
    with pytest.raises(CheckpointError, match='a.pth holds no config: give the config'):
        config_of_checkpoint(_checkpoint(tmp_path, None))
