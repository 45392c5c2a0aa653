"""Supports that were fitted one by one: they grow, are saved, and become one state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from mmfewshot_seg.files.tensor_file import first_line, load_tensors, save_tensors
from mmfewshot_seg.models.fewshot import BaseFewShotHead
from mmfewshot_seg.structures import SupportState


@dataclass
class FittedSupports:
    """States of single supports.

    What a state was fitted on is its meta information, as long as it has not been in a file:
    ``path`` of the image or None, ``seen`` (3, H, W) uint8 BGR and ``label`` (H, W) uint8: 1 the
    class, 0 background, 255 not annotated.

    Attributes:
        shots: States of the supports of each class, each fitted as one way and one shot.
        negatives: States of images that show none of the classes.
    """

    shots: dict[str, list[SupportState]] = field(default_factory=dict)
    negatives: list[SupportState] = field(default_factory=list)

    def merged(self, others: 'FittedSupports') -> 'FittedSupports':
        """These and others, in this order."""
        names = dict.fromkeys([*self.shots, *others.shots])
        shots = {n: [*self.shots.get(n, ()), *others.shots.get(n, ())] for n in names}
        return FittedSupports(shots, [*self.negatives, *others.negatives])

    def singles(self) -> Iterator[tuple[str | None, int, SupportState]]:
        """Class (None for a negative), number within it from 1, and state of each support."""
        for name, states in (*self.shots.items(), (None, self.negatives)):
            yield from ((name, number, state) for number, state in enumerate(states, start=1))

    def without(self, state: SupportState) -> 'FittedSupports':
        """All but one; a class of which none is left is left out too."""
        shots = {n: [one for one in states if one is not state] for n, states in self.shots.items()}
        shots = {name: states for name, states in shots.items() if states}
        return FittedSupports(shots, [one for one in self.negatives if one is not state])

    def joined(self, head: BaseFewShotHead) -> SupportState:
        """One state of all, with the names of the classes."""
        options = dict(negatives=self.negatives) if self.negatives else {}
        state = head.join(list(self.shots.values()), **options)
        state.set_metainfo(dict(class_names=tuple(self.shots)))
        return state

    def to(self, device: torch.device) -> 'FittedSupports':
        """The same on another device."""
        shots = {n: [state.to(device) for state in states] for n, states in self.shots.items()}
        return FittedSupports(shots, [state.to(device) for state in self.negatives])

    def save(self, path: str | Path, **meta) -> None:
        """Write all states and plain values ``meta``, whole or not at all.

        Raises:
            OSError: If the folder does not exist or the file cannot be written.
        """
        shots = {n: [dict(state.items()) for state in states] for n, states in self.shots.items()}
        negatives = [dict(state.items()) for state in self.negatives]
        save_tensors(dict(shots=shots, negatives=negatives, meta=meta), path)

    @classmethod
    def load(cls, path: str | Path) -> tuple['FittedSupports', dict]:
        """What :meth:`save` wrote, and its ``meta``.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is of another kind or damaged, or values are not finite.
        """
        content = load_tensors(path)
        if not isinstance(content, Mapping) or set(content) != {'shots', 'negatives', 'meta'}:
            raise ValueError(f'{path} was not written by FewShotInferencer.save_support')
        read = partial(SupportState.of_tensors, path=path)
        try:
            shots = {n: list(map(read, states)) for n, states in content['shots'].items()}
            negatives = list(map(read, content['negatives']))
            meta = dict(content['meta'], fingerprints=dict(content['meta']['fingerprints']))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f'{path} is damaged ({first_line(error)})') from error
        return cls(shots, negatives), meta
