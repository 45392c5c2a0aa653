"""Configs of MMSegmentation build, train and predict, narrowed."""

from pathlib import Path

import pytest
import torch
from helpers.small_configs import narrow
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.registry import MODELS

ROOT = Path(__file__).parents[2]
CONFIGS = [
    path
    for folder in ('danet', 'jpu')
    for path in sorted((ROOT / 'configs' / folder).glob('*.py'))
    if not path.stem.endswith('_1x_coco')
]
PRETRAINED = [path for path in CONFIGS if '_r18' not in path.stem]  # elsewhere all layers are new
SIDE = 64


def _model(path: Path) -> torch.nn.Module:
    config = Config.fromfile(path)
    model = narrow(config.model, config.default_scope, factor=32)
    if model.test_cfg.mode == 'slide':
        model.test_cfg.update(crop_size=(48, 48), stride=(32, 32))
    torch.manual_seed(0)
    return MODELS.build(model)


def _batch(num_classes: int) -> dict:
    samples = []
    for _ in range(2):
        label = torch.randint(num_classes, (1, SIDE, SIDE))
        label[..., :4] = 255
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo(dict(img_shape=(SIDE, SIDE), ori_shape=(SIDE, SIDE)))
        samples.append(sample)
    images = torch.randint(256, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_train_and_predict(path) -> None:
    model = _model(path)
    batch = _batch(model.decode_head.num_classes)
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    if path.stem.startswith('danet'):
        wanted = {f'decode.{name}.loss_ce' for name in ('pam_cam', 'pam', 'cam')}
        assert wanted <= {key for key in losses if 'decode' in key}
    unused = [
        name
        for name, value in model.named_parameters()
        if value.requires_grad and value.grad is None
    ]
    assert not unused
    with torch.no_grad():
        found = model.eval()(**model.data_preprocessor(batch), mode='predict')
    assert all(sample.pred_sem_seg.shape == (SIDE, SIDE) for sample in found)


@pytest.mark.parametrize('path', PRETRAINED, ids=lambda path: path.stem)
def test_new_layers_learn_ten_times_as_fast(path) -> None:
    config, model = Config.fromfile(path), _model(path)
    optimizer = build_optim_wrapper(model, config.optim_wrapper).optimizer
    groups = {
        id(value): group['lr'] for group in optimizer.param_groups for value in group['params']
    }
    rates = {
        name: groups[id(value)] for name, value in model.named_parameters() if value.requires_grad
    }
    base = min(rates.values())
    for name, rate in rates.items():
        assert rate == pytest.approx(base if name.startswith('backbone.') else 10 * base), name
