"""Models without training: the inferencer and the test tool on pretrained weights alone."""

from pathlib import Path

import pytest
import torch
from helpers.class_folder import draw_class_folder
from helpers.fewshot_models import dense_matching_config, fewshot_config
from helpers.tool_calls import keep_dumps_short

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.pretrained import load_pretrained
from mmfewshot_seg.apis.runner import test as run_test
from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIG = """
_base_ = '{root}/configs/dense_matching/dense-matching_lite0-d8_class-folder.py'
model = dict(
    backbone=dict(
        model_name='resnet10t', channels=(8, 8, 16, 16), output_stride=None,
        init_cfg=dict(checkpoint='encoder.pth')))
source = dict(data_root='{folder}/classes', index_dir='{folder}/index')
test_dataloader = dict(
    num_workers=0,
    dataset=dict(source=source, fold=['square'], num_episodes=4, num_runs=1))
val_dataloader = val_evaluator = val_cfg = None
"""


def test_weights_are_those_of_the_file_and_nothing_stays_random(tmp_path) -> None:
    config = dense_matching_config(tmp_path)
    model = MODELS.build(config.model)
    load_pretrained(model)
    for name, value in torch.load(tmp_path / 'backbone.pth').items():
        torch.testing.assert_close(model.backbone.state_dict()[name], value)
    loose = fewshot_config(head='asgnet')
    loose.model.backbone.init_cfg = config.model.backbone.init_cfg
    with pytest.raises(ValueError, match=r'weights of the model, as decode_head\.\S+, come from'):
        load_pretrained(MODELS.build(loose.model))


def test_inferencer_wants_weights_of_what_is_trained(tmp_path) -> None:
    FewShotInferencer(dense_matching_config(tmp_path), device='cpu')
    with pytest.raises(ValueError, match=r'as backbone\.\S+, come from training alone'):
        FewShotInferencer(fewshot_config(), device='cpu')


@pytest.mark.slow
def test_tests_on_pretrained_weights_alone(tmp_path, monkeypatch) -> None:
    timm = pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')
    monkeypatch.chdir(tmp_path)
    keep_dumps_short(monkeypatch)
    draw_class_folder(tmp_path / 'classes')
    Path('config.py').write_text(CONFIG.format(root=ROOT, folder=tmp_path))
    for seed, name in enumerate(('other', 'encoder')):
        torch.manual_seed(seed)
        weights = timm.create_model('resnet10t', channels=(8, 8, 16, 16)).state_dict()
        torch.save(weights, f'{name}.pth')
        weights = {f'backbone.net.{k}': v for k, v in weights.items() if not k.startswith('fc.')}
        torch.save(dict(state_dict=weights), f'{name}_checkpoint.pth')

    def figures(checkpoint: str) -> dict[str, float]:
        options = [f'experiment_name={checkpoint}']  # runs of one second are told apart
        found = run_test('config.py', checkpoint, work_dir='work', cfg_options=options)
        return {key: value for key, value in found.items() if 'time' not in key}

    found = figures('pretrained')
    assert found == figures('encoder_checkpoint.pth') != figures('other_checkpoint.pth')
    assert 0 < found['mIoU'] < 1
    with pytest.raises(CheckpointError, match=r'none\.pth does not exist'):
        options = ['model.backbone.init_cfg.checkpoint=none.pth', 'experiment_name=none']
        run_test('config.py', 'pretrained', work_dir='work', cfg_options=options)
