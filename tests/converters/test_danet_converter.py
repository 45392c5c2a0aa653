"""Official DANet files become checkpoints of the whole segmentor."""

from pathlib import Path

import pytest
import torch
from mmengine.runner import load_checkpoint
from parity.reference import load_manifest, reference_state_dict

from mmfewshot_seg.converters import convert_checkpoint, convert_state_dict, layouts
from mmfewshot_seg.converters.danet import segmentor_config
from mmfewshot_seg.registry import MODELS

DATA = Path(__file__).parents[1] / 'parity/data/danet'


def _official() -> dict:
    return reference_state_dict(load_manifest(DATA / 'manifest_danet101.json'))


def test_published_checkpoint_loads_into_the_segmentor(tmp_path) -> None:
    official = _official()
    content = dict(epoch=240, state_dict=official, best_pred=0.8, optimizer=dict(state={}))
    torch.save(content, tmp_path / 'in.pth')
    convert_checkpoint('danet', tmp_path / 'in.pth', tmp_path / 'out.pth')
    config = segmentor_config(official)
    assert config.backbone.depth == 101
    assert config.decode_head.num_classes == 19
    model = MODELS.build(config)
    load_checkpoint(model, str(tmp_path / 'out.pth'), strict=True)
    head = model.decode_head
    torch.testing.assert_close(head.pam.gamma.scale.data, official['head.sa.gamma'][0])
    torch.testing.assert_close(head.conv_seg.weight.data, official['head.conv8.1.weight'])
    assert len(model.state_dict()) == len(official)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.pop('head.sc.gamma'), r'missing: decode_head\.cam\.gamma\.scale'),
        (lambda s: s.update({'head.conv9.weight': torch.zeros(2)}), r'unknown: head\.conv9'),
        (lambda s: s.pop('head.conv5a.0.weight'), 'no known layout'),
        (lambda s: [s.pop(k) for k in list(s) if 'layer3.22.' in k], 'layer3 has 22 blocks'),
    ],
)
def test_incomplete_files_are_refused(change, message) -> None:
    official = _official()
    change(official)
    with pytest.raises(ValueError, match=message):
        convert_state_dict(official, layouts('danet'))
