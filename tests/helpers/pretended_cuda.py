"""A CUDA device for machines without one: tensors that say ``cuda:0`` and have a CPU tensor inside.

Most faults of device show on it: a tensor that was made on the CPU, one that is read without
``.cpu()``, and every line at which the host waits for the device. It computes as the CPU does.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
ROOT = Path(__file__).parents[2]
CPU = torch.device('cpu')
HALF = (torch.float16, torch.bfloat16)
SOFTMAX = {aten._softmax, aten._log_softmax}
COPY = {aten.copy_, aten._foreach_copy_}
INDEX = {aten.index, aten._unsafe_index, aten.index_put, aten.index_put_, aten._index_put_impl_}
# The host reads a value, or the size of the result depends on values.
READ = {
    aten._local_scalar_dense,
    aten.equal,
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
}


class PretendedTensor(Tensor):
    """Says ``cuda:0``; the data are in ``inside``."""

    @staticmethod
    def __new__(cls, inside: Tensor) -> 'PretendedTensor':
        tensor = Tensor._make_wrapper_subclass(
            cls,
            inside.size(),
            strides=inside.stride(),
            storage_offset=inside.storage_offset(),
            dtype=inside.dtype,
            device='cuda:0',
        )
        tensor.inside = inside
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, operator, types, args=(), kwargs=None):
        return _compute(operator, args, kwargs or {})

    # torch has these two not for tensors of another class.
    def tolist(self) -> list:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False):
        if not force:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        return self.cpu().numpy()

    def __repr__(self) -> str:
        return f'PretendedTensor({self.inside})'


class PretendedCuda(TorchDispatchMode):
    """Sees every operator.

    Attributes:
        waits: How often the host has waited for the device, by the line that made it wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        with self:  # operators made of others, which inference mode does not take apart
            result = operator.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        if _waits(operator, args, kwargs):
            self.waits[_line()] += 1
        return _compute(operator, args, kwargs)


@contextmanager
def pretended_cuda() -> Iterator[PretendedCuda]:
    """Within it tensors and models are moved to ``'cuda'`` and back as ever.

    ``torch.cuda.is_available`` still says no, so that only what is told the device uses it.
    """
    if not hasattr(torch._C, '_set_only_lift_cpu_tensors'):
        pytest.skip('no pretended CUDA device: this torch makes tensors past dispatch modes')
    torch._C._ensureCUDADeviceGuardSet()
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(mock.patch.object(torch.cuda, '_lazy_init', lambda: None))
        enter(mock.patch('torch.cuda.amp.common.amp_definitely_not_available', lambda: False))
        enter(mock.patch.object(torch.cuda, 'is_bf16_supported', lambda: True))
        # What chooses kernels looks at the real device.
        enter(torch.backends.cudnn.flags(enabled=False))
        enter(torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH))
        compiled = sys.modules.get('mmcv._ext')
        for name, function in list(vars(compiled).items() if compiled else ()):
            if callable(function):
                enter(mock.patch.object(compiled, name, _computed_inside(function)))
        # A moved parameter is another tensor, not the old one with other data.
        future = torch.__future__
        enter(mock.patch.object(future, '_overwrite_module_params_on_conversion', True))
        # torch.tensor(..., device='cuda') is made on the CPU, then moved where we see it.
        stack.callback(torch._C._set_only_lift_cpu_tensors, torch._C._only_lift_cpu_tensors())
        torch._C._set_only_lift_cpu_tensors(True)
        yield enter(PretendedCuda())


def _compute(operator, args: tuple, kwargs: dict):
    """The result of an operator, on the device where CUDA would have it."""
    tensors = tensors_of((args, kwargs))
    pretended = any(map(_is_pretended, tensors))
    if pretended:
        _refuse_two_devices(operator, args, tensors)
    given = kwargs.get('device')
    if given is not None:
        kwargs = kwargs | dict(device=CPU)
    if operator.overloadpacket in SOFTMAX and args[2]:  # the CPU has none from half to float32
        args = (args[0].float(), args[1], False)
    result = operator(*tree_map(_inside, args), **tree_map(_inside, kwargs))
    on_cuda = pretended if given is None else torch.device(given).type == 'cuda'
    # What was written in place or by ``out`` is the same tensor again.
    known = {id(_inside(tensor)): tensor for tensor in tensors}

    def outside(value):
        if not isinstance(value, Tensor) or not on_cuda:
            return value
        return known[id(value)] if id(value) in known else PretendedTensor(value)

    return tree_map(outside, result)


def _refuse_two_devices(operator, args: tuple, tensors: list[Tensor]) -> None:
    """As CUDA does: what is on the CPU may be copied, an index, or one number."""
    packet = operator.overloadpacket
    if packet in COPY:
        return
    if packet in INDEX and _is_pretended(args[0]):
        tensors = [args[0], *tensors_of(args[2:])]
    numbers = torch.Tag.pointwise in operator.tags or packet in INDEX | {aten.fill_}
    strays = [t for t in tensors if not _is_pretended(t) and not (numbers and t.dim() == 0)]
    if strays:
        raise RuntimeError(
            f'{operator}: expected all tensors to be on the same device, but found cuda:0 and cpu, '
            f'a tensor of shape {tuple(strays[0].shape)}'
        )


def _waits(operator, args: tuple, kwargs: dict) -> bool:
    packet, tensors = operator.overloadpacket, tensors_of((args, kwargs))
    pretended = any(map(_is_pretended, tensors))
    if packet is aten._to_copy and kwargs.get('device') is not None:
        return pretended != (torch.device(kwargs['device']).type == 'cuda')
    if not pretended:
        return False
    if packet in INDEX:
        indices = [index for index in args[1] if index is not None]
        if len(args) > 2 and args[2].numel() == 1 and not _is_pretended(args[2]):
            return False  # a masked fill
        return any(i.dtype in (torch.bool, torch.uint8) or not _is_pretended(i) for i in indices)
    if packet is aten.repeat_interleave:
        return kwargs.get('output_size') is None
    if packet in COPY:
        return not all(map(_is_pretended, tensors))
    return packet in READ


def _line() -> str:
    """Innermost line that is neither torch's nor of this file."""
    frame = sys._getframe()
    while '/torch/' in (name := frame.f_code.co_filename) or name == __file__:
        frame = frame.f_back
    return name.rpartition('site-packages/')[2].removeprefix(f'{ROOT}/') + f':{frame.f_lineno}'


def _computed_inside(function: Callable) -> Callable:
    """A compiled function of mmcv, which goes past the dispatcher to the memory."""

    def compute(*args, **kwargs):
        tensors = tensors_of((args, kwargs))
        pretended = [_is_pretended(tensor) for tensor in tensors]
        if not any(pretended):
            return function(*args, **kwargs)
        if not all(pretended):
            raise RuntimeError(f'mmcv {function.__name__}: tensors on cuda:0 and on the CPU')
        # On CUDA they take half precision, on the CPU they do not.
        full = {id(t): t.inside.float() for t in tensors if t.dtype in HALF}

        def inside(value):
            return full.get(id(value), _inside(value))

        with _disable_current_modes():
            result = function(*tree_map(inside, args), **tree_map(inside, kwargs))
            for tensor in tensors:
                if id(tensor) in full:
                    tensor.inside.copy_(full[id(tensor)])
        return tree_map(lambda v: PretendedTensor(v) if isinstance(v, Tensor) else v, result)

    return compute


def tensors_of(values) -> list[Tensor]:
    """All tensors in nested containers."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


def _is_pretended(value) -> bool:
    return isinstance(value, PretendedTensor)


def _inside(value):
    return value.inside if _is_pretended(value) else value


def same_on_cuda(run: Callable[[str], object], **tolerances) -> Counter[str]:
    """Compare what ``run('cpu')`` and ``run('cuda')`` give: nested containers of tensors.

    Everything that is random starts from the same seed.

    Returns:
        See :class:`PretendedCuda`.
    """
    torch.manual_seed(0)
    expected = run('cpu')
    with pretended_cuda() as cuda:
        torch.manual_seed(0)
        cuda.waits.clear()
        found = run('cuda')
        waits = cuda.waits.copy()
        assert any(map(_is_pretended, tensors_of(found))), 'nothing was computed on cuda'
        found = tree_map(lambda v: v.cpu() if isinstance(v, Tensor) else v, found)
    torch.testing.assert_close(found, expected, **tolerances)
    return waits
