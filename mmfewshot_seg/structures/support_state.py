"""What a few-shot head keeps of a support set."""

from pathlib import Path

from mmengine.structures import BaseDataElement

from mmfewshot_seg.tensor_file import load_tensors, save_tensors


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
        """Write tensors and meta information to ``path``, whole or not at all.

        Raises:
            OSError: If the folder does not exist or the file cannot be written.
        """
        save_tensors({'tensors': dict(self.items()), 'meta': dict(self.metainfo_items())}, path)

    @classmethod
    def load(cls, path: str | Path, map_location: str = 'cpu') -> 'SupportState':
        """Read what :meth:`save` wrote; tensors and plain values only.

        Raises:
            ValueError: If the file is not a saved support state.
        """
        content = load_tensors(path, map_location)
        if not isinstance(content, dict) or set(content) != {'tensors', 'meta'}:
            raise ValueError(f'{path} is not a support state written by SupportState.save')
        return cls(metainfo=content['meta'], **content['tensors'])
