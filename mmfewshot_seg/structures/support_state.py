"""What a few-shot head keeps of a support set."""

from pathlib import Path

import torch
from mmengine.structures import BaseDataElement


class SupportState(BaseDataElement):
    """Fitted support set: everything ``predict`` needs besides the query.

    A head chooses the tensors (PANet: ``prototypes`` (B, 1+N, C), background first); all have the
    episodes as first dimension. ``to``, ``cpu``, ``cuda`` and ``detach`` move every tensor.

    Example:
        >>> state = SupportState(prototypes=torch.zeros(1, 2, 8))
        >>> state.save('cat.pth')
        >>> SupportState.load('cat.pth').prototypes.shape
        torch.Size([1, 2, 8])
    """

    def save(self, path: str | Path) -> None:
        """Write tensors and meta information to ``path``."""
        torch.save({'tensors': dict(self.items()), 'meta': dict(self.metainfo_items())}, path)

    @classmethod
    def load(cls, path: str | Path, map_location: str = 'cpu') -> 'SupportState':
        """Read what :meth:`save` wrote; tensors and plain values only.

        Raises:
            ValueError: If the file is not a saved support state.
        """
        content = torch.load(path, map_location=map_location, weights_only=True)
        if not isinstance(content, dict) or set(content) != {'tensors', 'meta'}:
            raise ValueError(f'{path} is not a support state written by SupportState.save')
        return cls(metainfo=content['meta'], **content['tensors'])
