"""Converters of official checkpoints, one module of key tables per system."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from torch import Tensor

from mmfewshot_seg.checkpoints import read_checkpoint
from mmfewshot_seg.converters.checkpoint import Layout, StateDict, save_converted

SYSTEMS = ('panet', 'asgnet', 'refinemask', 'zsi', 'danet', 'fastfcn', 'gscnn')


def layouts(system: str) -> tuple[Layout, ...]:
    """Key layouts of the official files of ``system``.

    Raises:
        ValueError: If the system is not one of ``SYSTEMS``.
    """
    if system not in SYSTEMS:
        raise ValueError(f'unknown system {system!r}, expected one of {", ".join(SYSTEMS)}')
    return import_module(f'{__name__}.{system}').LAYOUTS


def official_system(state_dict: Mapping[str, Tensor]) -> str | None:
    """The system whose official files have such names, if one of ``SYSTEMS`` has."""
    for system in SYSTEMS:
        try:
            known = layouts(system)
        except ImportError:  # a host that is not installed
            continue
        if any(layout.signature in state_dict for layout in known):
            return system
    return None


def convert_state_dict(state_dict: StateDict, layouts: tuple[Layout, ...]) -> StateDict:
    """Convert by the layout whose signature the file has; a ``module.`` prefix is stripped.

    Raises:
        ValueError: If no layout fits, or see :meth:`Layout.convert`.
    """
    state_dict = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    for layout in layouts:
        if layout.signature in state_dict:
            return layout.convert(state_dict)
    system = official_system(state_dict)
    raise ValueError(
        'no known layout: none of '
        + ', '.join(f'{layout.signature} ({layout.name})' for layout in layouts)
        + f' is among the keys; the file begins with {", ".join(list(state_dict)[:3]) or "nothing"}'
        + (f'. It looks like a file of {system}' if system else '')
    )


def convert_checkpoint(
    system: str,
    source: str | Path,
    target: str | Path,
    check: Callable[[StateDict], None] | None = None,
    check_converted: Callable[[StateDict], object] | None = None,
) -> StateDict:
    """Convert the official file ``source`` of ``system`` and write it to ``target``.

    Args:
        system: One of ``SYSTEMS``.
        source: The official file.
        target: The file to write.
        check: What else the official state dict has to pass; raises if it does not.
        check_converted: The same for the converted one, before it is written.

    Raises:
        FileNotFoundError: If ``source`` or the folder of ``target`` does not exist.
        OSError: If ``target`` cannot be written.
        ValueError: If the system is unknown, the file cannot be read (see
            :func:`read_checkpoint`) or cannot be converted completely; then nothing is written.
    """
    known = layouts(system)
    official = read_checkpoint(source)['state_dict']
    if check is not None:
        check(official)
    state_dict = convert_state_dict(official, known)
    if check_converted is not None:
        check_converted(state_dict)
    save_converted(state_dict, target, system, source)
    return state_dict


__all__ = ['SYSTEMS', 'convert_checkpoint', 'convert_state_dict', 'layouts', 'official_system']
