"""Do model and data of a config fit one another? Told in a line, before any work."""

from collections.abc import Sequence

from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import BaseLoop
from torch import nn


def check_data(model: nn.Module, loop: BaseLoop | None, training: bool = False) -> None:
    """Ask a model that has a ``check_data`` of its own, as zero-shot detectors have.

    Of other detectors the number of classes is compared with the names of the data set.

    Args:
        model: Perhaps wrapped.
        loop: Loop of training, validation or test; ``None`` is fine.
        training: Whether it is that of training.

    Raises:
        ValueError: If the model refuses the data, or the numbers differ.
    """
    model = inner_model(model)
    if loop is None:
        return
    meta = loop.dataloader.dataset.metainfo
    if check := getattr(model, 'check_data', None):
        check(meta, training)
    elif meta.get('classes') is not None:
        _check_num_classes(model, meta['classes'])


def _check_num_classes(model: nn.Module, classes: Sequence[str]) -> None:
    for name, head in class_heads(model).items():
        if isinstance(classes, str):
            raise ValueError(
                f'metainfo.classes={classes!r} of the data set is a string; of one class it is '
                "('name',), with a comma"
            )
        if head.num_classes != len(classes):
            raise ValueError(
                f'model.{name}.num_classes={head.num_classes}, but the data set has {len(classes)} '
                f'classes ({", ".join(classes[:5])}{", ..." if len(classes) > 5 else ""}): set '
                'num_classes of all heads to that'
            )


def class_heads(model: nn.Module) -> dict[str, nn.Module]:
    """Heads of a detector that tell its classes apart, by their names in the model."""
    owners = {'': model, 'roi_head.': getattr(model, 'roi_head', None)}
    heads = {
        f'{place}{name}': getattr(owner, name, None)
        for place, owner in owners.items()
        for name in ('bbox_head', 'mask_head')
    }
    stages = {
        f'{name}[{i}]' if isinstance(head, nn.ModuleList) else name: stage
        for name, head in heads.items()
        for i, stage in enumerate(head if isinstance(head, nn.ModuleList) else [head])
    }
    return {
        name: head
        for name, head in stages.items()
        if head is not None
        and hasattr(head, 'num_classes')
        and not getattr(head, 'class_agnostic', False)
    }


def inner_model(model: nn.Module) -> nn.Module:
    """The model itself, of one that is wrapped for several processes or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.get_submodule('module')
    return model
