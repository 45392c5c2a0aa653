"""What a few-shot head keeps of a support set."""

from pathlib import Path

import torch
from mmengine.structures import BaseDataElement

from mmfewshot_seg.files.tensor_file import load_tensors, save_tensors


class SupportState(BaseDataElement):
    """Fitted support set: everything ``predict`` needs besides the query.

    A head chooses the tensors (PANet: ``prototypes`` (B, 1+N, C), background first); all have the
    episodes as first dimension. ``to``, ``cpu``, ``cuda`` and ``detach`` move every tensor.

    Examples:
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
            ValueError: If the file is not a saved support state, or has values that are not finite.
        """
        content = load_tensors(path, map_location)
        if not isinstance(content, dict) or set(content) != {'tensors', 'meta'}:
            raise ValueError(f'{path} is not a support state written by SupportState.save')
        return cls.of_tensors(content['tensors'], path, content['meta'])

    @classmethod
    def of_tensors(
        cls, tensors: object, path: str | Path, meta: dict | None = None
    ) -> 'SupportState':
        """The state of tensors that were read from a file.

        Args:
            tensors: What should be a dict of tensors by name.
            path: The file, for messages.
            meta: Meta information.

        Raises:
            ValueError: If something else was read, or values are not finite.
        """
        if not isinstance(tensors, dict) or not all(map(torch.is_tensor, tensors.values())):
            raise ValueError(f'{path} is damaged: a support state of it is no dict of tensors')
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise ValueError(
                    f'{path}: {name} has values that are not finite; fit the support set again'
                )
        return cls(metainfo=meta, **tensors)
