"""Do model and data of a config fit one another? Told in a line, before any work."""

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import nn


def check_data(model: nn.Module, loop: object, training: bool = False) -> None:
    """Ask a model that has a ``check_data`` of its own, as zero-shot detectors have.

    Args:
        model: Perhaps wrapped.
        loop: Of training, validation or test; ``None`` is fine.
        training: Whether it is that of training.

    Raises:
        ValueError: If the model refuses the data.
    """
    model = inner_model(model)
    if loop is not None and hasattr(model, 'check_data'):
        model.check_data(loop.dataloader.dataset.metainfo, training)


def inner_model(model: nn.Module) -> nn.Module:
    """The model itself, of one that is wrapped for several processes or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model
