"""Checkpoints of other implementations, converted where a module loads them."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from mmfewshot_seg.functional.key_renaming import rename


@dataclass(frozen=True)
class ForeignLayout:
    """Hook of a module that renames what it loads; of module level, so that models pickle.

    Attributes:
        signature: A key, relative to the module, that only this layout has.
        renames: Pairs of a regular expression and its replacement, relative to the module.
        adapt: Maps our key and the tensor to ours; by default tensors stay as they are.
    """

    signature: str
    renames: tuple[tuple[str, str], ...]
    adapt: Callable[[str, Tensor], Tensor] | None = None

    def __call__(self, state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        """Rename in place what begins with the prefix of the module, if it has the layout."""
        if prefix + self.signature not in state_dict:
            return
        for key in [key for key in state_dict if key.startswith(prefix)]:
            ours = rename(key.removeprefix(prefix), self.renames)
            if ours is not None:
                value = state_dict.pop(key)
                state_dict[prefix + ours] = self.adapt(ours, value) if self.adapt else value


def accept_layout(
    module: nn.Module,
    signature: str,
    renames: tuple[tuple[str, str], ...],
    adapt: Callable[[str, Tensor], Tensor] | None = None,
) -> None:
    """Let ``module`` load another key layout, alone and as part of a model.

    Args:
        module: What loads.
        signature: See :class:`ForeignLayout`.
        renames: See :class:`ForeignLayout`.
        adapt: See :class:`ForeignLayout`; a function of a module, for models to pickle.
    """
    module._register_load_state_dict_pre_hook(ForeignLayout(signature, renames, adapt))
