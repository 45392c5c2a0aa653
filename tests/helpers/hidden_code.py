"""Files with code in them that leaves a mark if it runs."""

import os
import pickle
from pathlib import Path

import torch


class Code:
    """Makes the folder ``mark`` where it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def save_with_code(path: Path, mark: Path, state_dict: dict | None = None, **options) -> None:
    """A checkpoint with code in its meta information; ``options`` of ``torch.save``."""
    weights = {'a': torch.ones(1)} if state_dict is None else state_dict
    torch.save(dict(state_dict=weights, meta=dict(note=Code(mark))), path, **options)


def save_as_plain_pickle(path: Path, mark: Path) -> None:
    """A pickle that PyTorch did not write."""
    path.write_bytes(pickle.dumps(Code(mark)))
