"""Data that do not fit the model are told before any work."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmfewshot_seg.apis.data_fit import check_data


class _Particular(nn.Linear):
    """Was made for data of one name."""

    def check_data(self, meta: dict, training: bool = False) -> None:
        if meta['name'] != 'ours':
            raise ValueError(f'{meta["name"]}, training={training}')


def _loop(name: str) -> SimpleNamespace:
    dataset = SimpleNamespace(metainfo=dict(name=name))
    return SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))


def test_models_that_check_data_are_asked() -> None:
    model = _Particular(2, 3)
    check_data(model, _loop('ours'))
    check_data(model, None)
    check_data(nn.Linear(2, 3), _loop('other'))
    for training in (False, True):
        with pytest.raises(ValueError, match=f'other, training={training}'):
            check_data(model, _loop('other'), training)


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
