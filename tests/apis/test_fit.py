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


def _detector(num_classes: int) -> nn.Module:
    model = nn.Linear(2, 3)
    head = nn.Linear(2, 3)
    head.num_classes = num_classes
    model.roi_head = nn.Module()
    model.roi_head.bbox_head = nn.ModuleList([head])
    model.roi_head.mask_head = None
    return model


def _named(classes) -> SimpleNamespace:
    loop = _loop('ours')
    loop.dataloader.dataset.metainfo['classes'] = classes
    return loop


def test_number_of_classes_of_a_detector() -> None:
    check_data(_detector(2), _named(('cat', 'dog')))
    check_data(nn.Linear(2, 3), _named('cat'))
    with pytest.raises(
        ValueError, match=r'bbox_head\[0\].num_classes=80, but .* 2 classes \(cat, dog\)'
    ):
        check_data(_detector(80), _named(('cat', 'dog')))
    with pytest.raises(ValueError, match=r"classes='person' .* is a string; .* \('name',\)"):
        check_data(_detector(6), _named('person'))


@pytest.mark.parametrize(
    ('tested_on', 'message'),
    [
        (('Cat', 'dog'), None),
        (('dog', 'cat'), "label 0 is 'cat' here and 'dog' there"),
        (('cat', 'cow'), "label 1 is 'dog' here and 'cow' there"),
    ],
)
def test_classes_of_a_checkpoint_by_name(tested_on, message) -> None:
    model = _detector(2)
    runner = SimpleNamespace(model=model, _test_loop=_named(tested_on))
    meta = dict(dataset_meta=dict(classes=('cat', 'dog')))
    checkpoint = dict(meta=meta, state_dict=model.state_dict())
    if message is None:
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)
        return
    with pytest.raises(
        UsageError, match=f'the checkpoint was trained on other classes: .*{message}'
    ):
        CheckpointFitHook().after_load_checkpoint(runner, checkpoint)
