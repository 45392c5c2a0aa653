"""Every known layout of PANet files, and what a converter refuses."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint
from parity.reference import load_manifest, reference_state_dict

from mmfewshot_seg.converters import convert_checkpoint, convert_state_dict, layouts
from mmfewshot_seg.models.fewshot import FewShotSegmentor

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'tests/parity/data/panet'


def _resnet50() -> dict:
    return reference_state_dict(load_manifest(DATA / 'manifest_resnet50.json'))


def _renamed(state_dict: dict, **prefixes: str) -> dict:
    """The stem under other names."""
    renamed = {}
    for key, value in state_dict.items():
        prefix = next((p for p in prefixes if key.startswith(p.replace('_', '.'))), None)
        renamed[key.replace(prefix.replace('_', '.'), prefixes[prefix], 1) if prefix else key] = (
            value
        )
    return renamed


def test_vgg_file_loads_into_the_segmentor(tmp_path) -> None:
    official = reference_state_dict(load_manifest(DATA / 'manifest.json'))
    torch.save({f'module.{key}': value for key, value in official.items()}, tmp_path / 'in.pth')
    convert_checkpoint('panet', tmp_path / 'in.pth', tmp_path / 'out.pth')
    model = FewShotSegmentor(
        backbone=dict(type='mmfewshot_seg.PANetVGG'),
        decode_head=dict(type='mmfewshot_seg.PANetHead'),
    )
    checkpoint = load_checkpoint(model, str(tmp_path / 'out.pth'), strict=True)
    assert checkpoint['meta']['converted_from'] == 'in.pth'
    last = model.backbone.features[28].bias
    torch.testing.assert_close(last.data, official['encoder.backbone.features.8.4.bias'])


def test_all_residual_layouts_give_the_same_weights() -> None:
    write_up = _resnet50()
    expected = convert_state_dict(write_up, layouts('panet'))
    mining = {
        f'backbone.{key}': value
        for key, value in _renamed(write_up, layer0_0_='conv1.', layer0_1_='bn1.').items()
    }
    mining['backbone.layer4.0.conv1.weight'] = torch.zeros(1)
    stem = {'0.': 'conv1.', '1.': 'bn1.', '3.': 'conv2.', '4.': 'bn2.', '6.': 'conv3.'}
    imagenet = {}
    for key, value in write_up.items():
        if key.startswith('layer0.0.'):
            position = key[len('layer0.0.') :][:2]
            key = stem[position] + key[len('layer0.0.') + 2 :]
        imagenet[key.replace('layer0.1.', 'bn3.')] = value
    imagenet['fc.weight'] = torch.zeros(1)
    for state_dict in (mining, imagenet):
        converted = convert_state_dict(state_dict, layouts('panet'))
        assert converted.keys() == expected.keys()
        assert all(torch.equal(converted[key], expected[key]) for key in expected)


def test_keys_that_do_not_fit_are_named() -> None:
    state_dict = _resnet50()
    del state_dict['layer2.0.bn1.weight']
    state_dict['layer9.weight'] = torch.zeros(1)
    state_dict['layer1.0.bn1.bias'] = torch.zeros(3)
    with pytest.raises(ValueError, match='residual variant') as error:
        convert_state_dict(state_dict, layouts('panet'))
    for part in (
        'unknown: layer9.weight',
        'missing: backbone.layer2.0.bn1.weight',
        'backbone.layer1.0.bn1.bias (3,) instead of (64,)',
    ):
        assert part in str(error.value)


def test_counters_of_batches_may_be_missing() -> None:
    state_dict = {k: v for k, v in _resnet50().items() if not k.endswith('num_batches_tracked')}
    converted = convert_state_dict(state_dict, layouts('panet'))
    counter = converted['backbone.layer1.0.bn1.num_batches_tracked']
    assert counter.dtype == torch.int64 and counter.item() == 0
    assert counter.device.type == 'cpu'


def test_depth_must_be_known() -> None:
    state_dict = {k: v for k, v in _resnet50().items() if not k.startswith('layer3.5')}
    with pytest.raises(ValueError, match='layer3 has 5 blocks'):
        convert_state_dict(state_dict, layouts('panet'))


def test_unknown_layout_and_system() -> None:
    with pytest.raises(ValueError, match=r'no known layout.*begins with head\.weight'):
        convert_state_dict({'head.weight': torch.zeros(1)}, layouts('panet'))
    with pytest.raises(ValueError, match="unknown system 'panett', expected one of panet"):
        layouts('panett')


def test_pickled_code_is_refused_by_the_tool_and_nothing_is_written(tmp_path) -> None:
    torch.save({'state_dict': {}, 'args': Path('x')}, tmp_path / 'in.pth')
    command = [sys.executable, 'tools/convert_checkpoint.py', 'panet', 'in.pth', 'out.pth']
    command[1] = str(ROOT / command[1])
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 2
    assert 'in.pth ' in result.stderr
    assert 'Traceback' not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in.pth']


def test_the_tool_names_a_missing_folder_of_the_output(tmp_path) -> None:
    torch.save(_resnet50(), tmp_path / 'in.pth')
    command = [sys.executable, str(ROOT / 'tools/convert_checkpoint.py'), 'panet', 'in.pth']
    command.append('none/out.pth')
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 2
    assert 'convert_checkpoint: none/out.pth cannot be written: none is no folder' in result.stderr
    assert 'Traceback' not in result.stderr
