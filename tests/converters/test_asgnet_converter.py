"""Official ASGNet files of either decoder, the backbone files, and what is refused."""

from pathlib import Path

import pytest
import torch
from helpers.official_files import pspnet_backbone
from mmengine.runner import load_checkpoint
from parity.reference import load_manifest, reference_state_dict

from mmfewshot_seg.converters import convert_checkpoint, convert_state_dict, layouts
from mmfewshot_seg.models.fewshot import FewShotSegmentor, FrozenResNet

DATA = Path(__file__).parents[1] / 'parity/data/asgnet'
RESNET = dict(
    deep_stem=True,
    stem_channels=128,
    num_stages=3,
    strides=(1, 2, 1),
    dilations=(1, 1, 2),
    out_indices=(1, 2),
)


def _official(name: str = 'manifest.json') -> dict:
    return reference_state_dict(load_manifest(DATA / name))


@pytest.mark.parametrize(
    ('manifest', 'depth', 'decoder'),
    [
        ('manifest.json', 50, 'FeatureEnrichment'),
        ('manifest_resnet101.json', 101, 'FeatureEnrichment'),
        ('manifest_aspp.json', 50, 'ASPPDecoder'),
    ],
)
def test_training_checkpoint_loads_into_the_segmentor(manifest, depth, decoder, tmp_path) -> None:
    official = _official(manifest)
    state_dict = {f'module.{key}': value for key, value in official.items()}
    content = dict(epoch=200, state_dict=state_dict, optimizer=dict(state={}, param_groups=[]))
    torch.save(content, tmp_path / 'in.pth')
    convert_checkpoint('asgnet', tmp_path / 'in.pth', tmp_path / 'out.pth')
    model = FewShotSegmentor(
        backbone=dict(RESNET, type='mmfewshot_seg.FrozenResNet', depth=depth),
        decode_head=dict(
            type='mmfewshot_seg.ASGNetHead', decoder=dict(type=f'mmfewshot_seg.{decoder}')
        ),
    )
    load_checkpoint(model, str(tmp_path / 'out.pth'), strict=True)
    ours = model.decode_head.reduction.weight.data
    torch.testing.assert_close(ours, official['down_conv.0.weight'])
    unused = [key for key in official if key.startswith('layer4.')]
    assert len(model.state_dict()) == len(official) - len(unused)


def test_backbone_file_fills_the_backbone() -> None:
    official = pspnet_backbone(_official()) | {'fc.weight': torch.zeros(1)}
    converted = convert_state_dict(official, layouts('asgnet'))
    backbone = FrozenResNet(depth=50, **RESNET)
    backbone.load_state_dict(
        {key.removeprefix('backbone.'): value for key, value in converted.items()}
    )
    torch.testing.assert_close(backbone.stem[7].bias.data, official['bn3.bias'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda s: s.pop('corr_conv.2.0.weight'),
            r'missing: decode_head\.decoder\.merge\.2\.weight',
        ),
        (lambda s: s.update({'corr_conv.0.0.weight': torch.zeros(2)}), r'misshapen: .*merge\.0'),
        (lambda s: s.update({'prior.weight': torch.zeros(2)}), 'unknown: prior.weight'),
        (
            lambda s: [s.pop(k) for k in list(s) if k.startswith('layer3.5.')],
            'layer3 has 5 blocks',
        ),
    ],
)
def test_incomplete_files_are_refused(change, message) -> None:
    official = _official()
    change(official)
    with pytest.raises(ValueError, match=message):
        convert_state_dict(official, layouts('asgnet'))
