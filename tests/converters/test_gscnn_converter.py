"""Official Gated-SCNN files, the file of the backbone, and what is refused."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from parity.reference import load_manifest

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.registry import MODELS

ROOT = Path(__file__).parents[2]
MANIFEST = load_manifest(ROOT / 'tests/parity/data/gscnn/manifest.json')
CONFIG = ROOT / 'configs/gscnn/gscnn_wrn38-d8_8xb1-175e_cityscapes-720x720.py'


def _official(num_classes: int = 19) -> dict:
    """The keys of the official file, without numbers."""
    official = {
        f'module.{key}': torch.empty(shape, dtype=getattr(torch, dtype), device='meta')
        for key, (dtype, shape) in MANIFEST.items()
    }
    official['module.final_seg.6.weight'] = torch.empty(num_classes, 256, 1, 1, device='meta')
    return official


def test_fills_the_network_of_the_published_config() -> None:
    config = Config.fromfile(CONFIG)
    init_default_scope('mmseg')
    with torch.device('meta'):
        model = MODELS.build(config.model)
    converted = convert_state_dict(_official(), layouts('gscnn'))
    assert {key: value.shape for key, value in converted.items()} == {
        key: value.shape for key, value in model.state_dict().items()
    }
    assert len(converted) == len(MANIFEST) - 2  # a convolution that the program never calls


def test_any_number_of_classes() -> None:
    converted = convert_state_dict(_official(7), layouts('gscnn'))
    assert converted['decode_head.conv_seg.weight'].shape == (7, 256, 1, 1)


def test_backbone_file_fills_the_backbone() -> None:
    official = {key: value for key, value in _official().items() if key.startswith('module.mod')}
    head = dict.fromkeys(('module.bn_out.0.weight', 'module.classifier.fc.bias'), torch.ones(4096))
    converted = convert_state_dict({**official, **head}, layouts('gscnn'))
    assert len(converted) == len(official)
    assert all(key.startswith('backbone.') for key in converted)


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('module.gate2._gate_conv.4.bias', 'shape_stream.gates.1.norm_out.bias'),
        ('module.mod5.block3.convs.bn2.0.weight', 'backbone.stage5.block3.norms.1.weight'),
        ('module.aspp.edge_conv.0.weight', 'decode_head.aspp.edge.conv.weight'),
        ('module.final_seg.6.weight', 'final_seg.6.weight'),
    ],
)
def test_a_missing_key_is_named(key, message) -> None:
    official = _official()
    del official[key]
    with pytest.raises(ValueError, match=f'missing: (decode_head.)?{message}'):
        convert_state_dict(official, layouts('gscnn'))


def test_an_unknown_key_is_named() -> None:
    official = {**_official(), 'module.gate4.weight': torch.ones(1)}
    with pytest.raises(ValueError, match='unknown: gate4.weight'):
        convert_state_dict(official, layouts('gscnn'))
