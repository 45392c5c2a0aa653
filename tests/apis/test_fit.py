"""Data that do not fit the model are told before any work."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmfewshot_seg.apis.fit import check_data


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
