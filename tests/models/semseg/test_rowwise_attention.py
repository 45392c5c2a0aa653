"""Attention by rows: same numbers as with the whole matrix, which is never held."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmfewshot_seg.models.semseg import position_attention, rowwise_attention


def _multiplies_half() -> bool:
    try:
        torch.ones(1, 1, dtype=torch.float16).mm(torch.ones(1, 1, dtype=torch.float16))
    except RuntimeError:
        return False
    return True


needs_half = pytest.mark.skipif(
    not _multiplies_half(), reason='torch 2.1 multiplies no float16 matrices on the CPU'
)


def _whole(query, key, value):
    return value @ torch.softmax(query.mT @ key, dim=-1).mT


def _inputs(count: int, dtype=torch.float64, widths=(3, 3, 5), batch: int = 2, device='cpu'):
    generator = torch.Generator().manual_seed(count)
    return [
        torch.randn(batch, width, count, generator=generator, dtype=torch.float64)
        .to(device, dtype)
        .requires_grad_()
        for width in widths
    ]


def _output_and_gradients(function, inputs) -> list[torch.Tensor]:
    output = function(*inputs)
    cotangent = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device)
    return [output, *torch.autograd.grad(output, inputs, cotangent.view_as(output))]


class _LargestTensor(TorchDispatchMode):
    """Records the number of elements of the largest result of any operation."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def test_by_hand() -> None:
    """Two positions: the first attends with weights 1:3, the second to both alike."""
    query = torch.tensor([[[1.0, 0.0]]])
    key = torch.tensor([[[0.0, 3.0]]]).log1p()  # 0 and log 4
    value = torch.tensor([[[8.0, 16.0], [0.0, 1.0]]])
    output = position_attention(query, key, value)
    torch.testing.assert_close(output, torch.tensor([[[14.4, 12.0], [0.8, 0.5]]]))


@pytest.mark.parametrize('count', [1, 2, 255, 256, 257, 700])
def test_same_as_with_the_whole_matrix(count) -> None:
    ours, expected = (
        _output_and_gradients(function, _inputs(count)) for function in (position_attention, _whole)
    )
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(('queries', 'keys'), [(9, 7), (7, 9), (1, 300), (300, 1)])
def test_other_positions_may_be_asked(queries, keys) -> None:
    query, (_, key, value) = _inputs(queries)[0], _inputs(keys)
    inputs = [query, key, value]
    ours, expected = (
        _output_and_gradients(function, inputs) for function in (position_attention, _whole)
    )
    assert ours[0].shape == (2, 5, queries)
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ('query', 'key', 'value'),
    [
        ((2, 3, 9), (2, 3, 8), (2, 5, 9)),
        ((2, 3, 9), (2, 4, 9), (2, 5, 9)),
        ((1, 3, 9), (2, 3, 9), (2, 5, 9)),
        ((2, 3, 9), (2, 3, 9), (1, 5, 9)),
        ((3, 9), (3, 9), (5, 9)),
        ((2, 3, 3, 3), (2, 3, 3, 3), (2, 5, 3, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_named(query, key, value) -> None:
    with pytest.raises(ValueError) as caught:
        position_attention(torch.ones(query), torch.ones(key), torch.ones(value))
    assert all(str(shape) in str(caught.value) for shape in (query, key, value))


def test_gradients_are_those_of_differences(monkeypatch) -> None:
    monkeypatch.setattr(rowwise_attention, 'ROWS', 2)
    assert torch.autograd.gradcheck(position_attention, _inputs(5))


def test_strided_inputs() -> None:
    """Slices along the channels, as a joint projection would give."""
    joint = torch.randn(2, 11, 300)
    parts = joint.split([3, 3, 5], dim=1)
    torch.testing.assert_close(position_attention(*parts), _whole(*parts))


def test_no_tensor_is_as_large_as_the_matrix() -> None:
    """Memory is linear: twice the positions need twice as much at once."""
    largest = []
    for count in (1024, 2048):
        with _LargestTensor() as mode:
            _output_and_gradients(position_attention, _inputs(count, torch.float32, batch=1))
        largest.append(mode.largest)
    assert largest == [256 * 1024, 256 * 2048]


@pytest.mark.parametrize('dtype', [torch.bfloat16, pytest.param(torch.float16, marks=needs_half)])
def test_half_precision_is_summed_up_in_single(dtype) -> None:
    inputs = _inputs(300, dtype)
    single = [x.detach().float().requires_grad_() for x in inputs]
    expected = _output_and_gradients(_whole, single)
    found = _output_and_gradients(position_attention, inputs)
    for ours, value in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        assert (ours - value).abs().max() <= 2e-2 * value.abs().max()


@needs_half
def test_large_products_do_not_overflow() -> None:
    query, key, value = (x.detach() * 1e3 for x in _inputs(64, torch.float16))
    assert position_attention(query, key, value).isfinite().all()


@pytest.mark.gpu
@pytest.mark.parametrize('widths', [(8, 8, 16), (3, 3, 5)])
def test_on_the_gpu(widths) -> None:
    """By the fused kernel where the widths allow it, and by rows."""
    ours = _output_and_gradients(position_attention, _inputs(700, torch.float32, widths, 2, 'cuda'))
    expected = _output_and_gradients(_whole, _inputs(700, torch.float32, widths))
    for value, target in zip(ours, expected, strict=True):
        assert (value.cpu() - target).abs().max() <= 1e-3 * target.abs().max()


@pytest.mark.gpu
def test_on_the_gpu_memory_is_linear() -> None:
    inputs = [x.detach() for x in _inputs(16384, torch.float32, (64, 64, 512), 1, 'cuda')]
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    position_attention(*inputs)
    assert torch.cuda.max_memory_allocated() - before < 0.25 * 4 * 16384**2
