"""What does not fit is told before any work: data of other classes, layers of other sizes."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmfewshot_seg.apis import UsageError
from mmfewshot_seg.apis.fit import CheckpointFitHook, check_data


class _Particular(nn.Linear):
    """Was made for data of one name."""

    def check_data(self, meta: dict, training: bool = False) -> None:
        if meta['name'] != 'ours':
            raise ValueError(f'{meta["name"]}, training={training}')


def _loop(name: str) -> SimpleNamespace:
    dataset = SimpleNamespace(metainfo=dict(name=name))
    return SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))


def _load(model: nn.Module, checkpoint: dict) -> None:
    CheckpointFitHook().after_load_checkpoint(SimpleNamespace(model=model), checkpoint)


def test_models_that_check_data_are_asked() -> None:
    model = _Particular(2, 3)
    check_data(model, _loop('ours'))
    check_data(model, None)
    check_data(nn.Linear(2, 3), _loop('other'))
    for training in (False, True):
        with pytest.raises(ValueError, match=f'other, training={training}'):
            check_data(model, _loop('other'), training)


def test_checkpoint_of_other_data() -> None:
    model = _Particular(2, 3)
    for name in ('ours', 'other'):
        checkpoint = dict(meta=dict(dataset_meta=dict(name=name)), state_dict=model.state_dict())
        _load(nn.Linear(2, 3), checkpoint)
        if name == 'ours':
            _load(model, checkpoint)
            continue
        with pytest.raises(UsageError, match='was trained on other data: other, training=True'):
            _load(model, checkpoint)


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_checkpoint_of_other_sizes(prefix) -> None:
    state_dict = {f'{prefix}{k}': v for k, v in nn.Linear(2, 3).state_dict().items()}
    _load(nn.Linear(2, 3), dict(state_dict=state_dict))
    _load(nn.Linear(2, 3, bias=False), state_dict)  # bare, and with a key that is not needed
    with pytest.raises(UsageError, match=r'fit the config \(2 layers\): size mismatch for weight'):
        _load(nn.Linear(2, 4), dict(meta={}, state_dict=state_dict))


def test_layouts_that_a_model_converts_are_no_other_sizes() -> None:
    model = nn.Linear(2, 3, bias=False)
    model._register_load_state_dict_pre_hook(
        lambda state_dict, prefix, *args: state_dict.update(weight=state_dict['weight'].T)
    )
    checkpoint = dict(state_dict=dict(weight=torch.zeros(2, 3)))
    _load(model, checkpoint)
    assert checkpoint['state_dict']['weight'].shape == (2, 3)
