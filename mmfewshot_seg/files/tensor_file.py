"""Files of tensors and plain values: written whole or not at all, read without running code."""

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch
from mmengine.utils import apply_to

from mmfewshot_seg.files import data_pickle
from mmfewshot_seg.files.whole_file import whole_file

_torch_load = torch.load  # the gate of checkpoints may have put another in its place
_SWITCH = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
_switching = threading.Lock()


class MoreThanDataError(ValueError):
    """A file that would run code if it were read."""


def save_tensors(content: dict, path: str | Path) -> None:
    """Write ``content`` to ``path``; nothing is left behind if writing fails.

    Tensors are written as those of the CPU: a file tells nothing of the device it comes from.

    Raises:
        FileNotFoundError: If the folder of ``path`` does not exist.
        OSError: If the file cannot be written.
    """
    try:
        with whole_file(path) as file:
            torch.save(apply_to(content, torch.is_tensor, torch.Tensor.cpu), file)
    except RuntimeError as error:  # what PyTorch makes of errors of the file system
        reason = first_line(error.__context__ or error)
        raise OSError(f'{path} cannot be written ({reason})') from error


def load_tensors(path: str | Path, map_location: str = 'cpu', trust: bool = False) -> object:
    """Content of a file of PyTorch; no code in it runs, unless it is trusted.

    Args:
        path: The file.
        map_location: See ``torch.load``.
        trust: Whether the file may hold anything, and its code may run.

    Raises:
        FileNotFoundError: If there is no such file.
        MoreThanDataError: If the file holds more than tensors and plain values.
        ValueError: If it is no file of PyTorch, or damaged; the message names file and fault.
    """
    if fault := _fault(Path(path)):
        raise ValueError(f'{path} {fault}')
    try:
        if trust:
            return _torch_load(path, map_location=map_location, weights_only=False)
        return load_data(path, map_location)
    except OSError:
        raise
    except data_pickle.NotDataError as error:
        raise MoreThanDataError(more_than_data(path, error)) from error
    except Exception as error:  # bytes that are no pickle can raise anything
        raise ValueError(
            f'{path} is damaged or was not written by torch.save ({first_line(error)})'
        ) from error


def load_data(file: str | Path | IO[bytes], map_location: str | None = None, **options) -> object:
    """``torch.load`` of data alone, whatever ``options`` say; errors are those of PyTorch.

    Raises:
        NotDataError: If the file holds more.
    """
    with _any_unpickler():
        return _torch_load(
            file, map_location=map_location, pickle_module=data_pickle, weights_only=False
        )


@contextmanager
def _any_unpickler() -> Iterator[None]:
    """Have PyTorch take another unpickler than its own, which cannot read a training's checkpoint.

    The switch that forbids it is one of the process: one thread at a time moves it.
    """
    with _switching:
        value = os.environ.pop(_SWITCH, None)
        try:
            yield
        finally:
            if value is not None:
                os.environ[_SWITCH] = value


def _fault(path: Path) -> str | None:
    """What keeps a file from being one of PyTorch, told from its first bytes and its size."""
    if path.is_dir():
        return 'is a folder, not a file'
    with path.open('rb') as file:
        head = file.read(64)
    if not head:
        return 'is empty'
    if head.startswith(b'PK\3\4'):
        return _fault_of_archive(path)
    if head.startswith(b'\x80'):  # written before PyTorch 1.6
        return None
    start = head.decode(errors='replace').partition('\n')[0]
    if head.startswith(b'version https://git-lfs'):
        return 'is a pointer of Git LFS instead of the file: git lfs pull gets it'
    if start.isprintable() and '\ufffd' not in start[:-1]:
        return f'is a text file, which begins with {start[:40]!r}'
    return 'is no file of PyTorch'


def _fault_of_archive(path: Path) -> str | None:
    if not zipfile.is_zipfile(path):
        return (
            f'is cut off: its end is missing ({path.stat().st_size} bytes are there). Copy it again'
        )
    with zipfile.ZipFile(path) as archive:
        names = [name.partition('/')[2] for name in archive.namelist()]
    if 'constants.pkl' in names:
        return 'is a program of TorchScript, not a file of weights'
    return None if 'data.pkl' in names else 'is a zip archive, but not of PyTorch'


def more_than_data(source: object, error: data_pickle.NotDataError) -> str:
    """Message about a file that would run code."""
    return f'{source} holds more than tensors and plain values ({error}): reading it would run code'


def first_line(error: BaseException) -> str:
    """Kind and first line of an error."""
    lines = str(error).splitlines()
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__
