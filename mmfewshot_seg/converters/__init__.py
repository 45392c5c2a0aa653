"""Converters of official checkpoints, one module of key tables per system."""

from importlib import import_module
from pathlib import Path

from mmfewshot_seg.converters.checkpoint import (
    Layout,
    StateDict,
    convert_state_dict,
    load_official,
    save_converted,
)

SYSTEMS = ('panet', 'asgnet', 'refinemask', 'gscnn', 'danet', 'fastfcn')


def layouts(system: str) -> tuple[Layout, ...]:
    """Key layouts of the official files of ``system``.

    Raises:
        ValueError: If the system is not one of ``SYSTEMS``.
    """
    if system not in SYSTEMS:
        raise ValueError(f'unknown system {system!r}, expected one of {", ".join(SYSTEMS)}')
    return import_module(f'{__name__}.{system}').LAYOUTS


def convert_checkpoint(system: str, source: str | Path, target: str | Path) -> StateDict:
    """Convert the official file ``source`` of ``system`` and write it to ``target``.

    Raises:
        FileNotFoundError: If ``source`` or the folder of ``target`` does not exist.
        OSError: If ``target`` cannot be written.
        ValueError: If the file cannot be converted completely; then nothing is written.
    """
    state_dict = convert_state_dict(load_official(source), layouts(system))
    save_converted(state_dict, target, system, source)
    return state_dict


__all__ = ['SYSTEMS', 'convert_checkpoint', 'convert_state_dict', 'layouts']
