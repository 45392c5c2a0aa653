"""Checkpoints of other implementations, converted where a module loads them."""

from collections.abc import Callable, Iterable

from torch import Tensor, nn

from mmfewshot_seg.converters.checkpoint import rename


def accept_layout(
    module: nn.Module,
    signature: str,
    renames: Iterable[tuple[str, str]],
    adapt: Callable[[str, Tensor], Tensor] = lambda key, value: value,
) -> None:
    """Let ``module`` load another key layout, alone and as part of a model.

    Args:
        module: What loads.
        signature: A key, relative to the module, that only this layout has.
        renames: Pairs of a regular expression and its replacement, relative to the module.
        adapt: Maps our key and the tensor to ours.
    """

    def convert(state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        if prefix + signature not in state_dict:
            return
        for key in [key for key in state_dict if key.startswith(prefix)]:
            ours = rename(key.removeprefix(prefix), renames)
            if ours is not None:
                state_dict[prefix + ours] = adapt(ours, state_dict.pop(key))

    module._register_load_state_dict_pre_hook(convert)
