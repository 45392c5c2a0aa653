"""Files of tensors and plain values: written whole or not at all, read without running code."""

from pathlib import Path

import torch

from mmfewshot_seg.whole_file import whole_file


def save_tensors(content: dict, path: str | Path) -> None:
    """Write ``content`` to ``path``; nothing is left behind if writing fails.

    Raises:
        FileNotFoundError: If the folder of ``path`` does not exist.
        OSError: If the file cannot be written.
    """
    try:
        with whole_file(path) as file:
            torch.save(content, file)
    except RuntimeError as error:  # what PyTorch makes of errors of the file system
        reason = _first_line(error.__context__ or error)
        raise OSError(f'{path} cannot be written ({reason})') from error


def load_tensors(path: str | Path, map_location: str = 'cpu') -> object:
    """Content of a file of tensors and plain values.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds anything else, which would run code on loading, or is no
            file of PyTorch.
    """
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # bytes that are no pickle can raise anything
        raise ValueError(f'{path} is not a file of tensors only ({_first_line(error)})') from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__
