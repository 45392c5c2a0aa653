"""Do model, data and checkpoint of a config fit one another? Told in a line, before any work."""

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmfewshot_seg.command import UsageError


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


class CheckpointFitHook(Hook):
    """Refuses a checkpoint whose layers have other sizes, which the host would leave random.

    A model with a ``check_data`` is asked about the data that the checkpoint was trained on, too.
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


def inner_model(model: nn.Module) -> nn.Module:
    """The model itself, of one that is wrapped for several processes or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model
