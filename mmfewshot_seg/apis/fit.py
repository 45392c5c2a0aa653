"""Do model, data and checkpoint of a config fit one another? Told in a line, before any work."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.datasets.zeroshot_splits import difference


def check_data(model: nn.Module, loop: object, training: bool = False) -> None:
    """Ask a model that has a ``check_data`` of its own, as zero-shot detectors have.

    Of other detectors the number of classes is compared with the names of the data set.

    Args:
        model: Perhaps wrapped.
        loop: Of training, validation or test; ``None`` is fine.
        training: Whether it is that of training.

    Raises:
        ValueError: If the model refuses the data, or the numbers differ.
    """
    model = inner_model(model)
    if loop is None:
        return
    meta = loop.dataloader.dataset.metainfo
    if hasattr(model, 'check_data'):
        model.check_data(meta, training)
    elif meta.get('classes') is not None:
        _check_num_classes(model, meta['classes'])


def _check_num_classes(model: nn.Module, classes: Sequence[str]) -> None:
    for name, head in _class_heads(model).items():
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


def _class_heads(model: nn.Module) -> dict[str, nn.Module]:
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
        if hasattr(head, 'num_classes') and not getattr(head, 'class_agnostic', False)
    }


class CheckpointFitHook(Hook):
    """Refuses a checkpoint whose layers have other sizes, which the host would leave random.

    A model with a ``check_data`` is asked about the data that the checkpoint was trained on, too;
    of other detectors its classes are compared with those of the data to test on, name by name.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, before the weights are copied.

        Raises:
            UsageError: If the checkpoint does not fit.
        """
        model = inner_model(runner.model)
        trained_on = (checkpoint.get('meta') or {}).get('dataset_meta')
        if trained_on and hasattr(model, 'check_data'):
            try:
                model.check_data(trained_on, training=True)
            except ValueError as error:
                raise UsageError(f'the checkpoint was trained on other data: {error}') from error
        elif trained_on and _class_heads(model):
            _compare_classes(trained_on.get('classes'), getattr(runner, '_test_loop', None))
        state_dict = checkpoint.get('state_dict', checkpoint)
        try:  # what the host does next and only logs
            model.load_state_dict(
                {key.removeprefix('module.'): value for key, value in state_dict.items()},
                strict=False,
            )
        except RuntimeError as error:
            _, *others = str(error).splitlines()
            raise UsageError(
                f'the checkpoint does not fit the config ({len(others)} layers): '
                f'{others[0].strip()} Was it trained with another number of classes?'
            ) from error


def _compare_classes(trained_on: Sequence[str] | None, loop: object) -> None:
    """Are the classes of a training those of a test loop, in the same order?

    Raises:
        UsageError: If not.
    """
    dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
    tested_on = getattr(dataset, 'metainfo', {}).get('classes')
    if trained_on and tested_on and (differ := difference(trained_on, tested_on)):
        raise UsageError(
            f'the checkpoint was trained on other classes: {differ}. Test on data whose '
            'metainfo.classes names the same, in the same order'
        )


def inner_model(model: nn.Module) -> nn.Module:
    """The model itself, of one that is wrapped for several processes or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model
