"""Levels that come in, compared with what a neck or head was built for."""

from collections.abc import Sequence

from torch import Tensor


def check_levels(levels: Sequence[Tensor], in_channels: tuple[int, ...]) -> None:
    """Compare the levels of a backbone with those of a neck.

    Raises:
        ValueError: If their number or channels differ.
    """
    found = tuple(level.shape[1] for level in levels)
    if len(found) != len(in_channels):
        raise ValueError(
            f'got {len(found)} levels with {found} channels, but in_channels={in_channels} '
            'has one entry per level'
        )
    if found != in_channels:
        raise ValueError(f'the levels have {found} channels, but in_channels={in_channels}')


def check_sequences(**values) -> None:
    """Refuse settings that are no sequences where one is iterated over.

    Raises:
        ValueError: If one is neither a list nor a tuple nor a range.
    """
    for name, value in values.items():
        if not isinstance(value, list | tuple | range):
            raise ValueError(f'{name}={value!r}, expected a sequence')


def check_places(
    in_channels: int | Sequence[int], in_index: int | Sequence[int], several: bool
) -> None:
    """Compare two settings of a decode head, which MMSegmentation asserts without a message.

    Args:
        in_channels: Channels.
        in_index: Levels.
        several: Whether the head reads a sequence of levels.

    Raises:
        ValueError: If they are no numbers, or no sequences of one length where several are read.
    """
    if several:
        sequences = all(isinstance(value, list | tuple) for value in (in_channels, in_index))
        fit = sequences and len(in_channels) == len(in_index)
        wanted = 'sequences of the same length'
    else:
        fit = isinstance(in_channels, int) and isinstance(in_index, int)
        wanted = 'a number each'
    if not fit:
        raise ValueError(f'in_channels={in_channels} and in_index={in_index}, expected {wanted}')


def check_chosen(
    levels: Sequence[Tensor], in_channels: int | Sequence[int], in_index: int | Sequence[int]
) -> None:
    """Compare the levels of a backbone or neck with those that a decode head chooses.

    Args:
        levels: All levels.
        in_channels: Channels of the chosen ones, or their sum.
        in_index: Which are chosen.

    Raises:
        ValueError: If there are too few levels, or the chosen ones have other channels.
    """
    indices = [in_index] if isinstance(in_index, int) else in_index
    if not all(-len(levels) <= index < len(levels) for index in indices):
        raise ValueError(
            f'in_index={in_index}, but the backbone or neck gives {len(levels)} levels'
        )
    found = [levels[index].shape[1] for index in indices]
    given = [in_channels] if isinstance(in_channels, int) else list(in_channels)
    if found != given and [sum(found)] != given:
        raise ValueError(f'in_channels={in_channels}, but in_index={in_index} has {found} channels')
