"""Whether weights fit a model: one wording, and what to do about it."""

import pytest
import torch
from torch import nn

from mmfewshot_seg.apis.weights_fit import load_for_prediction, load_to_train, load_weights
from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.converters import SYSTEMS, layouts


class _Net(nn.Module):
    def __init__(self, classes: int = 2, auxiliary: bool = False) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.decode_head = nn.Linear(3, classes)
        if auxiliary:
            self.auxiliary_head = nn.Linear(3, classes)


def _refusal(model: nn.Module, state_dict: dict) -> str:
    with pytest.raises(CheckpointError) as error:
        load_for_prediction(model, state_dict, 'a.pth')
    message = str(error.value)
    assert message.startswith('a.pth does not fit the model: ') and '\n' not in message
    return message


def test_what_fits_is_loaded() -> None:
    model, state_dict = _Net(), _Net().state_dict()
    del state_dict['backbone.1.num_batches_tracked']
    load_for_prediction(model, state_dict, 'a.pth')
    assert torch.equal(model.decode_head.weight, state_dict['decode_head.weight'])


def test_each_fault_is_counted_and_named() -> None:
    state_dict = _Net(classes=4).state_dict()
    state_dict['neck.weight'] = state_dict.pop('backbone.0.bias')
    state_dict['backbone.0.weight'][0, 0] = torch.nan
    message = _refusal(_Net(), state_dict)
    for part in (
        '1 of 8 weights of the model are missing: backbone.0.bias;',
        '2 of another shape: decode_head.weight ([4, 3]) instead of ([2, 3]), decode_head.bias',
        '1 left over, which the model has no place for: neck.weight;',
        '1 not finite: backbone.0.weight.',
        'python tools/convert_checkpoint.py SYSTEM IN OUT',
    ):
        assert part in message


def test_a_backbone_alone_starts_a_training_only() -> None:
    weights = {k: v for k, v in _Net().state_dict().items() if k.startswith('backbone')}
    message = _refusal(_Net(), weights)
    assert '2 of 8 weights of the model are missing: decode_head.weight, decode_head.b' in message
    assert 'A backbone alone can start a training (load_from)' in message
    told = load_to_train(_Net(), weights, 'a.pth')
    assert told.startswith('6 of 8 weights of the model are from a.pth; 2 of 8')


def test_a_training_starts_from_something() -> None:
    with pytest.raises(CheckpointError, match='8 of 8 weights of the model are missing'):
        load_to_train(_Net(), {'fc.weight': torch.ones(1)}, 'a.pth')
    bare = {f'{i}.{k}': v for i, m in enumerate(_Net().backbone) for k, v in m.state_dict().items()}
    with pytest.raises(CheckpointError, match=r'a backbone by itself.*init_cfg=dict\(type='):
        load_to_train(_Net(), bare, 'a.pth')
    spoilt = dict(_Net().state_dict(), **{'decode_head.bias': torch.full((2,), torch.inf)})
    with pytest.raises(CheckpointError, match='1 not finite: decode_head.bias'):
        load_to_train(_Net(), spoilt, 'a.pth')
    other_classes = load_to_train(_Net(), _Net(classes=5).state_dict(), 'a.pth')
    assert other_classes.startswith('6 of 8') and '2 of another shape' in other_classes


def test_auxiliary_heads_do_not_count_in_prediction() -> None:
    load_for_prediction(_Net(auxiliary=True), _Net().state_dict(), 'a.pth')
    load_for_prediction(_Net(), _Net(auxiliary=True).state_dict(), 'a.pth')
    fit = load_weights(_Net(auxiliary=True), _Net().state_dict())
    assert fit.missing_parts == ['auxiliary_head'] and fit.number_loaded == 8


def test_layouts_that_a_model_converts_fit() -> None:
    model = nn.Linear(2, 3, bias=False)
    model._register_load_state_dict_pre_hook(
        lambda state_dict, prefix, *args: state_dict.update(weight=state_dict['weight'].T)
    )
    state_dict = dict(weight=torch.zeros(2, 3))
    assert load_weights(model, state_dict).faults() == ''
    assert state_dict['weight'].shape == (2, 3)


@pytest.mark.parametrize('system', SYSTEMS)
def test_official_files_are_known_by_their_names(system) -> None:
    signature = layouts(system)[0].signature
    message = _refusal(_Net(), {signature: torch.ones(1), 'x': torch.ones(1)})
    assert f'an official file: python tools/convert_checkpoint.py {system} IN OUT' in message
