"""How large a network is, told from the keys of its file."""

from mmfewshot_seg.converters.checkpoint import StateDict

DEPTHS = {6: 50, 23: 101}


def count_children(state_dict: StateDict, prefix: str) -> int:
    """How many numbered children a module has; ``prefix`` ends with a dot."""
    return len({key[len(prefix) :].split('.')[0] for key in state_dict if key.startswith(prefix)})


def resnet_depth(state_dict: StateDict, prefix: str = '') -> int:
    """Depth by the number of blocks of the third stage.

    Raises:
        ValueError: If it is neither ResNet-50 nor ResNet-101.
    """
    blocks = count_children(state_dict, f'{prefix}layer3.')
    if blocks not in DEPTHS:
        raise ValueError(
            f'layer3 has {blocks} blocks, expected one of {sorted(DEPTHS)} (ResNet-50, -101)'
        )
    return DEPTHS[blocks]
