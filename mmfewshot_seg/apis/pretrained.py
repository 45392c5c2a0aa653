"""Models that work without training, on the pretrained weights that their config names."""

from typing import Any

from torch import nn

PRETRAINED = 'pretrained'
"""What stands for a checkpoint on the command line."""


def load_pretrained(model: nn.Module) -> None:
    """Initialise a model whose every parameter is pretrained, as its config says.

    Args:
        model: A model of MMEngine's kind, its modules with an ``init_cfg``.

    Raises:
        ValueError: If parameters would stay random, or the weights cannot be had or do not fit.
    """
    pretrained: list[Any] = [
        m for m in model.modules() if _is_pretrained(getattr(m, 'init_cfg', None))
    ]
    covered = {id(parameter) for module in pretrained for parameter in module.parameters()}
    loose = [name for name, p in model.named_parameters() if id(p) not in covered]
    if loose:
        raise ValueError(
            f'{len(loose)} weights of the model, as {loose[0]}, come from training alone: give a '
            'checkpoint. Without one works what has nothing to learn beside its encoder, as '
            'dense-matching_lite0-d8_photographs'
        )
    for module in pretrained:  # the whole model would list every weight on the screen
        module.init_weights()


def _is_pretrained(init_cfg: dict | list | None) -> bool:
    configs = init_cfg if isinstance(init_cfg, list) else [init_cfg or {}]
    return any(config.get('type') == 'Pretrained' for config in configs)
