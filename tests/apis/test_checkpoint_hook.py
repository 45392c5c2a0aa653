"""What of a checkpoint keeps a run from loading or resuming it."""

import logging
from types import SimpleNamespace

import pytest
import torch
from helpers.wings import wing_model
from torch import nn

from mmfewshot_seg.apis.checkpoint_hook import CheckpointHook, check_names
from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.registry import MODELS


class _Particular(nn.Linear):
    """Was made for data of one name."""

    def check_data(self, meta: dict, training: bool = False) -> None:
        if meta.get('name', 'ours') != 'ours':
            raise ValueError(f'{meta["name"]}, training={training}')


def _runner(model: nn.Module, resume: bool = False, **metainfo) -> SimpleNamespace:
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    return SimpleNamespace(
        model=model,
        _load_from='a.pth',
        _resume=resume,
        logger=logging.getLogger('test'),
        train_dataloader=loader,
        test_dataloader=loader,
        optim_wrapper=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    )


def _checkpoint(model: nn.Module, **metainfo) -> dict:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9).state_dict()
    meta = dict(dataset_meta=metainfo, config='import nothing')
    return dict(state_dict=model.state_dict(), meta=meta, message_hub={}, optimizer=optimizer)


def _load(runner: SimpleNamespace, checkpoint: dict, training: bool) -> None:
    CheckpointHook(training).after_load_checkpoint(runner, checkpoint)


def test_a_test_wants_all_and_a_start_a_part(caplog) -> None:
    part = dict(state_dict={'weight': torch.zeros(3, 2)})
    with pytest.raises(CheckpointError, match='a.pth does not fit the model: 1 of 2 weights'):
        _load(_runner(nn.Linear(2, 3)), part, training=False)
    with caplog.at_level(logging.INFO, 'test'):
        _load(_runner(nn.Linear(2, 3)), part, training=True)
    assert '1 of 2 weights of the model are from a.pth' in caplog.text
    with pytest.raises(CheckpointError, match='1 of 2 weights'):
        _load(_runner(nn.Linear(2, 3), resume=True), part, training=True)


def test_checkpoint_of_other_data() -> None:
    model = _Particular(2, 3)
    _load(_runner(model), _checkpoint(model, name='ours'), training=False)
    other = _checkpoint(model, name='other')
    _load(_runner(model), other, training=True)  # what was learnt on other data is a start
    for resume in (False, True):
        with pytest.raises(CheckpointError, match='trained on other data: other, training=True'):
            _load(_runner(model, resume), other, training=resume)


def test_what_fits_is_resumed_without_its_config() -> None:
    model = nn.Linear(2, 3)
    checkpoint = _checkpoint(model, classes=('cat', 'dog'))
    _load(_runner(model, True, classes=['cat', 'dog']), checkpoint, training=True)
    assert 'config' not in checkpoint['meta']


@pytest.mark.parametrize(
    ('classes', 'told'),
    [
        (('cat',), "it was trained on 2 classes, the config has 1; number 1 was 'dog' and is None"),
        (('dog', 'cat'), "has 2; number 0 was 'cat' and is 'dog'"),
    ],
)
def test_other_classes_are_not_resumed(classes, told) -> None:
    model = nn.Linear(2, 3)
    with pytest.raises(CheckpointError, match=told) as error:
        checkpoint = _checkpoint(model, classes=('cat', 'dog'))
        _load(_runner(model, True, classes=classes), checkpoint, training=True)
    assert 'load_from=' in str(error.value)


def test_nothing_but_weights_is_not_resumed() -> None:
    model = nn.Linear(2, 3)
    with pytest.raises(CheckpointError, match='holds no optimizer and no message_hub and no meta'):
        _load(_runner(model, True), dict(state_dict=model.state_dict()), training=True)


def test_another_order_of_parameters_is_not_resumed() -> None:
    """Momenta are kept by number: those of mmseg's head would go to other layers of ours."""
    config = wing_model('danet').decode_head
    ours = MODELS.build(config)
    peers = MODELS.build(dict(config, type='mmseg.DAHead'))
    checkpoint = _checkpoint(peers)
    _load(_runner(ours), checkpoint, training=False)
    with pytest.raises(CheckpointError, match='in another order.*project'):
        _load(_runner(ours, True), checkpoint, training=True)


def test_other_groups_of_parameters_are_not_resumed() -> None:
    model = nn.Linear(2, 3)
    checkpoint, runner = _checkpoint(model), _runner(model, True)
    runner.optim_wrapper = torch.optim.SGD([dict(params=[p]) for p in model.parameters()], lr=0.1)
    with pytest.raises(CheckpointError, match='2 parameters in 1 groups.* 2 parameters in 2 gr'):
        _load(runner, checkpoint, training=True)


def test_tested_classes_that_were_trained_on_are_named(caplog) -> None:
    model = nn.Linear(2, 3)
    checkpoint = _checkpoint(model, base_classes=('cat', 'dog'), novel_classes=('bus',))
    _load(_runner(model, novel_classes=('bus',), base_classes=('cat',)), checkpoint, training=False)
    assert not caplog.text
    _load(_runner(model, novel_classes=('bus', 'dog')), checkpoint, training=False)
    assert '1 of 2 tested classes were trained on, says the checkpoint: dog' in caplog.text


@pytest.mark.parametrize(
    ('tested_on', 'message'),
    [
        (('Cat', 'dog'), None),
        (('dog', 'cat'), "label 0 is 'cat' here and 'dog' there"),
        (('cat', 'cow'), "label 1 is 'dog' here and 'cow' there"),
    ],
)
def test_classes_of_a_checkpoint_by_name(tested_on, message) -> None:
    model = nn.Module()
    model.bbox_head = nn.Linear(2, 3)
    checkpoint = dict(meta=dict(dataset_meta=dict(classes=('cat', 'dog'))))
    dataset = SimpleNamespace(metainfo=dict(classes=tested_on))
    check_names(model, checkpoint, dataset)  # no head that tells classes apart
    model.bbox_head.num_classes = 2
    if message is None:
        check_names(model, checkpoint, dataset)
        return
    with pytest.raises(CheckpointError, match=f'was trained on other classes: .*{message}'):
        check_names(model, checkpoint, dataset)
