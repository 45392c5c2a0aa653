"""Files of tensors and plain values: written whole or not at all, read without running code."""

import os
from pathlib import Path

import torch
from mmengine.utils import apply_to


def save_tensors(content: dict, path: str | Path) -> None:
    """Write ``content`` to ``path``; nothing is left behind if writing fails.

    Tensors are written as those of the CPU: a file tells nothing of the device it comes from.

    Raises:
        FileNotFoundError: If the folder of ``path`` does not exist.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path} cannot be written: {path.parent} is no folder')
    part = path.with_name(path.name + '.part')
    try:
        torch.save(apply_to(content, torch.is_tensor, torch.Tensor.cpu), part)
        os.replace(part, path)
    except RuntimeError as error:  # what PyTorch makes of errors of the file system
        raise OSError(f'{path} cannot be written ({_first_line(error)})') from error
    finally:
        part.unlink(missing_ok=True)


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
