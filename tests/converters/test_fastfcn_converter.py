"""Official FastFCN files: backbone, neck and auxiliary head."""

from pathlib import Path

import pytest
import torch
from mmseg.models.backbones import ResNet
from parity.reference import load_manifest, reference_state_dict, reference_tensor

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.fastfcn import parts_config
from mmfewshot_seg.models.semseg import JointPyramidUpsampling
from mmfewshot_seg.registry import MODELS

DATA = Path(__file__).parents[1] / 'parity/data/jpu'
STEM = {'stem.0.': 'conv1.0.', 'stem.1.': 'conv1.1.', 'stem.3.': 'conv1.3.', 'stem.4.': 'conv1.4.'}
STEM |= {'stem.6.': 'conv1.6.', 'stem.7.': 'bn1.'}
AUXILIARY = {
    '0.weight': (256, 1024, 3, 3),
    '1.weight': (256,),
    '1.bias': (256,),
    '1.running_mean': (256,),
    '1.running_var': (256,),
    '4.weight': (59, 256, 1, 1),
    '4.bias': (59,),
}


def _neck() -> dict:
    return reference_state_dict(load_manifest(DATA / 'manifest.json'))


@pytest.fixture(scope='module')
def official() -> dict:
    state_dict = {f'jpu.{key}': value for key, value in _neck().items()}
    for key, value in ResNet(50, deep_stem=True, stem_channels=128).state_dict().items():
        part = next((part for part in STEM if key.startswith(part)), '')
        state_dict[f'pretrained.{STEM.get(part, "")}{key.removeprefix(part)}'] = value
    for key, shape in AUXILIARY.items():
        state_dict[f'auxlayer.conv5.{key}'] = reference_tensor(key, shape)
    return state_dict | {
        'head.conv5.0.weight': torch.zeros(2),
        'pretrained.fc.bias': torch.zeros(2),
    }


def test_parts_load(official) -> None:
    converted = convert_state_dict(official, layouts('fastfcn'))
    configs = parts_config(official)
    assert configs['backbone'].stem_channels == 128
    assert configs['neck'].dilations == [1, 2, 4, 8]
    assert configs['auxiliary_head'].num_classes == 59
    loaded = 0
    for name, config in configs.items():
        part = {
            key.removeprefix(f'{name}.'): value
            for key, value in converted.items()
            if key.startswith(f'{name}.')
        }
        MODELS.build(config).load_state_dict(part)
        loaded += len(part)
    assert loaded == len(converted)
    last = converted['auxiliary_head.conv_seg.bias']
    torch.testing.assert_close(last, official['auxlayer.conv5.4.bias'])


def test_neck_is_converted_as_the_module_does(official) -> None:
    neck = JointPyramidUpsampling()
    neck.load_state_dict(_neck())
    converted = convert_state_dict(official, layouts('fastfcn'))
    for key, value in neck.state_dict().items():
        torch.testing.assert_close(converted[f'neck.{key}'], value, rtol=0, atol=0)


def test_incomplete_files_are_refused(official) -> None:
    official = dict(official)
    del official['jpu.dilation2.0.bn.bias']
    with pytest.raises(ValueError, match=r'missing: neck\.dilation_layers\.1\.0\.depthwise_conv'):
        convert_state_dict(official, layouts('fastfcn'))
