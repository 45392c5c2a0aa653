"""Official FastFCN files: backbone, neck and auxiliary head."""

import pytest
import torch
from helpers.official_files import fastfcn_neck, official_fastfcn

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.fastfcn import parts_config
from mmfewshot_seg.models.semseg import JointPyramidUpsampling
from mmfewshot_seg.registry import MODELS


@pytest.fixture(scope='module')
def official() -> dict:
    return official_fastfcn()


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
    neck.load_state_dict(fastfcn_neck())
    converted = convert_state_dict(official, layouts('fastfcn'))
    for key, value in neck.state_dict().items():
        torch.testing.assert_close(converted[f'neck.{key}'], value, rtol=0, atol=0)


@pytest.mark.parametrize('key', ['jpu.conv3.0.weight', 'pretrained.bn1.weight'])
def test_what_tells_the_sizes_is_named_if_it_is_missing(official, key) -> None:
    official = {name: value for name, value in official.items() if name != key}
    with pytest.raises(ValueError, match=f'not a complete FastFCN checkpoint. missing: {key}'):
        convert_state_dict(official, layouts('fastfcn'))


def test_incomplete_files_are_refused(official) -> None:
    official = dict(official)
    del official['jpu.dilation2.0.bn.bias']
    with pytest.raises(ValueError, match=r'missing: neck\.dilation_layers\.1\.0\.depthwise_conv'):
        convert_state_dict(official, layouts('fastfcn'))
