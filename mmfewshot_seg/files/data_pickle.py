"""A stand-in for the module ``pickle`` that reads data and runs no code of a file.

A pickle is a program: it may call whatever can be imported. Here it may call only what tensors,
arrays, plain values and the log buffers of MMEngine are made of. ``torch.load`` takes it as
``pickle_module``, in every version; ``weights_only`` of PyTorch 2.1 cannot read a training's
checkpoint, and MMEngine reads without a guard whatever ``weights_only`` refuses.
"""

import pickle
from functools import partial
from importlib import import_module
from inspect import isfunction

import torch

_BUFFERS = 'mmengine.logging.history_buffer'
_NAMES = {
    '_codecs': {'encode'},  # bytes
    'builtins': {'bytearray', 'complex', 'frozenset', 'range', 'set', 'slice'},
    'collections': {'Counter', 'OrderedDict'},  # Counter: milestones of a schedule
    _BUFFERS: {'HistoryBuffer'},
    'numpy': {'dtype', 'ndarray'},
    'numpy.core.multiarray': {'_reconstruct', 'scalar'},  # written with NumPy 1
    'numpy._core.multiarray': {'_reconstruct', 'scalar'},
    'torch': {'Size', 'device'},
    'torch._utils': {'_rebuild_parameter', '_rebuild_tensor', '_rebuild_tensor_v2'},
    'torch.nn.parameter': {'Parameter'},
    'torch.serialization': {'_get_layout'},
}


class NotDataError(pickle.UnpicklingError):
    """A file asks for more than data; the message is the name it asks for."""


class Unpickler(pickle.Unpickler):
    """Refuses every name that is not of data."""

    def find_class(self, module: str, name: str) -> object:
        """The object of a name.

        Raises:
            NotDataError: If it is not of data.
        """
        module = module.replace('__builtin__', 'builtins')
        if (module, name) == ('builtins', 'getattr'):
            return partial(_statistic)
        if module == _BUFFERS and '.' in name:  # protocol 4 writes the path of a method
            return _statistic(
                self.find_class(module, name.partition('.')[0]), name.partition('.')[2]
            )
        found = None
        if name in _NAMES.get(module, ()) or module == 'torch':
            found = getattr(import_module(module), name, None)
        if isinstance(found, torch.dtype) or (found is not None and name in _NAMES[module]):
            # A fresh wrapper: what a pickle sets on a function does not outlive the reading.
            return found if isinstance(found, type | torch.dtype) else partial(found)
        raise NotDataError(f'{module}.{name}')


def load(file, **options) -> object:
    """As ``pickle.load``.

    Raises:
        NotDataError: If the file holds more than data.
    """
    return Unpickler(file, **options).load()


def _statistic(owner: object, name: str) -> object:
    """``getattr`` for a log buffer's table of statistics, which is all that is asked of it."""
    from mmengine.logging import HistoryBuffer

    known = {'min', 'max', 'current', 'mean', *HistoryBuffer._statistics_methods}
    method = vars(owner).get(name) if owner is HistoryBuffer and name in known else None
    if not isfunction(method):
        raise NotDataError(f'getattr({owner}, {name!r})')
    return method
