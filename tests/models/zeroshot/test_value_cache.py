"""A remembered result is never that of other values."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mmfewshot_seg.models.zeroshot.value_cache import ValueCache


@pytest.fixture
def calls() -> list:
    return []


@pytest.fixture
def twice(calls):
    def function(values):
        calls.append(1)
        return 2 * values

    return function


def test_computed_once(calls, twice) -> None:
    cache, values = ValueCache(), torch.ones(3)
    for _ in range(3):
        assert cache(twice, values).tolist() == [2, 2, 2]
    assert cache(twice, torch.ones(3)).tolist() == [2, 2, 2]  # equal values in other memory
    assert len(calls) == 1


@pytest.mark.parametrize(
    'write',
    [
        lambda p: p.data.mul_(3),  # which no version counter tells
        lambda p: p.data.copy_(torch.full((3,), 3.0)),
        lambda p: p.detach().numpy().fill(3),
        lambda p: setattr(p, 'data', torch.full((3,), 3.0)),
    ],
)
def test_any_way_of_writing_is_seen(calls, twice, write) -> None:
    cache, parameter = ValueCache(), torch.nn.Parameter(torch.ones(3))
    cache(twice, parameter)
    write(parameter)
    assert cache(twice, parameter).tolist() == [6, 6, 6]
    assert len(calls) == 2


def test_other_type_or_shape(twice) -> None:
    cache = ValueCache()
    cache(twice, torch.ones(3))
    assert cache(twice, torch.ones(3).double()).dtype == torch.float64
    assert cache(twice, torch.ones(2)).shape == (2,)


def test_a_copy_has_its_own(calls, twice) -> None:
    cache = ValueCache()
    cache(twice, torch.ones(3))
    other = copy.deepcopy(cache)
    other(twice, torch.zeros(3))
    cache(twice, torch.ones(3))
    assert len(calls) == 2


def test_threads_with_other_values_never_get_each_others_result() -> None:
    cache = ValueCache()

    def ask(number: float) -> list[bool]:
        values = torch.full((50,), number)
        return [torch.equal(cache(lambda v: 2 * v, values), 2 * values) for _ in range(300)]

    with ThreadPoolExecutor(4) as pool:
        assert all(all(found) for found in pool.map(ask, [1.0, 2.0, 3.0, 4.0]))
