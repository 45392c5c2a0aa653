"""Official ZSI detectors: what moves, what is dropped, what is compared, what is refused."""

import pytest
import torch
from helpers import official_files
from mmengine.runner import load_checkpoint
from parity.reference import reference_tensor

from mmfewshot_seg.converters import convert_checkpoint, convert_state_dict, layouts
from mmfewshot_seg.converters.zsi import check, detector_config
from mmfewshot_seg.registry import MODELS

SPLITS = {'48_17': 48, '65_15': 65}


def official(split: str = '65_15') -> dict:
    """Keys and shapes of a published detector; the mask head holds the class vectors."""
    tensors = official_files.official(f'zsi/manifest_{split}')
    tensors['mask_head.conv_vec.weight'] = _vectors(split)[..., None, None]
    return tensors


def _vectors(split: str) -> torch.Tensor:
    """Background and seen classes."""
    return reference_tensor('vectors', (1 + SPLITS[split], 300))


@pytest.mark.parametrize('split', SPLITS)
def test_whole_file_loads_into_the_detector(split: str, tmp_path) -> None:
    tensors = official(split)
    assert len(tensors) == 682
    tensors['mask_head.convs.3.conv.bias'] += 3
    state_dict = {f'module.{key}': value for key, value in tensors.items()}
    torch.save(dict(meta=dict(epoch=12), state_dict=state_dict), tmp_path / 'in.pth')
    converted = convert_checkpoint('zsi', tmp_path / 'in.pth', tmp_path / 'out.pth')
    dropped = {'fc_res': 2, 'convs.0-2': 6, 'conv_vec': 1}
    assert len(converted) == 682 - sum(dropped.values())
    detector = MODELS.build(detector_config(tensors))
    load_checkpoint(detector, str(tmp_path / 'out.pth'), strict=True)
    assert detector.roi_head.bbox_head.num_classes == SPLITS[split]
    assert (detector.roi_head.mask_head.convs[0].conv.bias == 3).all()


def test_background_moves_to_the_end() -> None:
    tensors = official()
    tensors['rpn_head.vec_fb.weight'] += torch.arange(6.0).view(6, 1, 1, 1)
    tensors['bbox_head.fc_reg.bias'] += torch.arange(4.0 * 66)
    tensors['bbox_head.fc_reg.weight'][:4] = 9
    converted = convert_state_dict(tensors, layouts('zsi'))
    assert converted['rpn_head.vec_fb.weight'][:, 0, 0, 0].tolist() == [1, 0, 3, 2, 5, 4]
    assert converted['roi_head.bbox_head.fc_reg.bias'].tolist() == list(range(4, 4 * 66))
    assert not converted['roi_head.bbox_head.fc_reg.weight'].any()


def test_boxes_alone() -> None:
    tensors = {k: v for k, v in official().items() if not k.startswith('mask_head.')}
    converted = convert_state_dict(tensors, layouts('zsi'))
    assert not any('mask_head' in key for key in converted)
    assert detector_config(tensors).type == 'mmfewshot_seg.ZeroShotFasterRCNN'


def test_keys_of_models_built_for_testing_are_dropped() -> None:
    tensors = official()
    tensors['mask_head.con_vec_t.weight'] = torch.zeros(300, 66, 1, 1)
    tensors['mask_head.conv_vec_unseen.weight'] = torch.zeros(16, 300, 1, 1)
    assert convert_state_dict(tensors, layouts('zsi')).keys() == (
        convert_state_dict(official(), layouts('zsi')).keys()
    )


def test_order_of_classes_is_compared() -> None:
    tensors = {f'module.{key}': value for key, value in official().items()}
    seen = _vectors('65_15')[1:]
    check(tensors, seen)
    permuted = seen.clone()
    permuted[[7, 9]] = seen[[9, 7]]
    with pytest.raises(ValueError, match='of 2 of 65 seen classes differ .* first number 7'):
        check(tensors, permuted)
    with pytest.raises(ValueError, match='48 word vectors of length 300, but .* 65 seen classes'):
        check(tensors, seen[:48])
    del tensors['module.mask_head.conv_vec.weight']
    with pytest.raises(ValueError, match='no mask_head.conv_vec.weight'):
        check(tensors, seen)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda s: s.pop('neck.fpn_convs.3.conv.bias'), r'missing: neck\.fpn_convs\.3\.conv\.bias'),
        (
            lambda s: s.pop('mask_head.convs.3.conv.weight'),
            r'missing: roi_head\.mask_head\.convs\.0\.conv\.weight',
        ),
        (
            lambda s: s.update({'bbox_head.fc_cls.weight': torch.zeros(1)}),
            r'unknown: bbox_head\.fc_cls\.weight',
        ),
        (
            lambda s: s.update({'mask_head.convT.conv.bias': torch.zeros(1)}),
            r'misshapen: roi_head\.mask_head\.convT\.conv\.bias \(1,\) instead of \(300,\)',
        ),
        (
            lambda s: [s.pop(k) for k in list(s) if k.startswith('backbone.layer3.22.')],
            'layer3 has 22 blocks, expected one of',
        ),
    ],
)
def test_incomplete_files_are_refused(change, message: str) -> None:
    tensors = official()
    change(tensors)
    with pytest.raises(ValueError, match=message):
        convert_state_dict(tensors, layouts('zsi'))
