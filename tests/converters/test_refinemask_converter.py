"""Official RefineMask detectors: every key lands under its own name; what is refused."""

import pytest
import torch
from helpers import official_files
from mmengine.runner import load_checkpoint

from mmfewshot_seg.converters import convert_checkpoint, convert_state_dict, layouts
from mmfewshot_seg.converters.refinemask import MASK_HEAD, detector_config
from mmfewshot_seg.registry import MODELS


def official(head: str = 'coco') -> dict:
    """Keys and shapes of a detector; the box head has as many classes as the mask head."""
    tensors = official_files.official('refinemask/manifest_detector_r50_coco')
    if head != 'coco':
        tensors = {key: value for key, value in tensors.items() if not key.startswith(MASK_HEAD)}
        tensors |= official_files.official(f'refinemask/manifest_head_{head}')
    names = (f'{MASK_HEAD}.stages.0.instance_logits', f'{MASK_HEAD}.stage_instance_logits.0')
    biases = [tensors[f'{name}.bias'] for name in names if f'{name}.bias' in tensors]
    classes, width = len(biases[0]), 1024
    for name, outputs in (('fc_cls', classes + 1), ('fc_reg', 4 * classes)):
        tensors[f'roi_head.bbox_head.{name}.weight'] = torch.zeros(outputs, width)
        tensors[f'roi_head.bbox_head.{name}.bias'] = torch.zeros(outputs)
    return tensors


def test_converted_file_loads_into_the_detector(tmp_path) -> None:
    tensors = official()
    tensors['roi_head.mask_head.semantic_logits.bias'] += 3
    state_dict = {f'module.{key}': value for key, value in tensors.items()}
    torch.save(dict(meta=dict(epoch=12), state_dict=state_dict), tmp_path / 'in.pth')
    convert_checkpoint('refinemask', tmp_path / 'in.pth', tmp_path / 'out.pth')
    detector = MODELS.build(detector_config(tensors))
    load_checkpoint(detector, str(tmp_path / 'out.pth'), strict=True)
    assert detector.roi_head.mask_head.semantic_logits.bias.item() == 3
    assert len(detector.state_dict()) == len(tensors) == 418


@pytest.mark.parametrize(
    ('head', 'classes'),
    [
        ('coco', (80, 80, 80, 80)),
        ('lvis', (1203, 1203, 1203, 1)),
        ('cityscapes', (8, 8, 8, 8)),
        ('faster_better', None),
    ],
)
def test_classes_are_read_from_the_file(head: str, classes: tuple | None) -> None:
    tensors = official(head)
    converted = convert_state_dict(tensors, layouts('refinemask'))
    assert converted.keys() >= tensors.keys()
    config = detector_config(tensors).roi_head.mask_head
    if classes is None:
        assert config.type == 'mmfewshot_seg.SimpleRefineMaskHead'
    else:
        assert tuple(config.stage_num_classes) == classes


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.pop('neck.fpn_convs.3.conv.bias'), r'missing: neck\.fpn_convs\.3\.conv\.bias'),
        (
            lambda s: s.update({'roi_head.mask_head.convs.0.conv.weight': torch.zeros(1)}),
            r'unknown: roi_head\.mask_head\.convs\.0\.conv\.weight',
        ),
        (lambda s: s.update({'semantic_head.weight': torch.zeros(1)}), 'unknown: semantic_head'),
        (
            lambda s: s.update({'roi_head.mask_head.stages.1.fuse_conv.0.bias': torch.zeros(1)}),
            r'misshapen: .*stages\.1\.fuse_conv\.0\.bias \(1,\) instead of \(128,\)',
        ),
        (
            lambda s: [s.pop(k) for k in list(s) if k.startswith('backbone.layer3.5.')],
            'layer3 has 5 blocks, expected one of',
        ),
    ],
)
def test_incomplete_files_are_refused(change, message: str) -> None:
    tensors = official()
    change(tensors)
    with pytest.raises(ValueError, match=message):
        convert_state_dict(tensors, layouts('refinemask'))


def test_other_files_are_refused() -> None:
    with pytest.raises(ValueError, match='no known layout'):
        convert_state_dict({'backbone.conv1.weight': torch.zeros(1)}, layouts('refinemask'))
