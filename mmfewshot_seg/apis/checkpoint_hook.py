"""Does a checkpoint fit the model and the data of a run? Told in a line, before any work."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmfewshot_seg.apis.data_fit import class_heads, inner_model
from mmfewshot_seg.apis.weights_fit import load_for_prediction, load_to_train
from mmfewshot_seg.checkpoints import CheckpointError
from mmfewshot_seg.classes.zeroshot_splits import label_difference


def check_trained_on(model: nn.Module, checkpoint: Mapping) -> None:
    """Ask a model that has a ``check_data`` about the data of the training of a checkpoint.

    Raises:
        CheckpointError: If the model refuses it.
    """
    trained_on = _trained_on(checkpoint)
    check = getattr(model, 'check_data', None)
    if trained_on and check:
        try:
            check(trained_on, training=True)
        except ValueError as error:
            raise CheckpointError(f'the checkpoint was trained on other data: {error}') from error


class CheckpointHook(Hook):
    """Refuses a checkpoint that does not fit, of which the host would leave the rest random.

    A test wants all weights, a training that is resumed also the state of its optimizer; one that
    only starts from a checkpoint (``load_from``) takes what fits, and the log tells how much.

    Args:
        training: Whether the run trains; else it tests.
    """

    def __init__(self, training: bool) -> None:
        self.training = training

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare, before the host copies the weights.

        Raises:
            CheckpointError: If the checkpoint does not fit.
        """
        model, state_dict = inner_model(runner.model), checkpoint['state_dict']
        source = runner._load_from or 'the last checkpoint of the work dir'
        if self.training and not runner._resume:
            runner.logger.info(load_to_train(model, state_dict, source))
            return
        check_trained_on(model, checkpoint)
        load_for_prediction(model, state_dict, source)
        if self.training:
            check_resume(runner, checkpoint, source)
        else:
            check_names(model, checkpoint, runner.test_dataloader.dataset)
            warn_of_trained_classes(runner, checkpoint)


def check_names(model: nn.Module, checkpoint: Mapping, dataset: object) -> None:
    """Are the classes of a detector's training those of the data of a test, in the same order?

    Raises:
        CheckpointError: If not.
    """
    if hasattr(model, 'check_data') or not class_heads(model):
        return
    trained_on = _trained_on(checkpoint).get('classes')
    tested_on = getattr(dataset, 'metainfo', {}).get('classes')
    if trained_on and tested_on and (differ := label_difference(trained_on, tested_on)):
        raise CheckpointError(
            f'the checkpoint was trained on other classes: {differ}. Test on data whose '
            'metainfo.classes names the same, in the same order'
        )


def warn_of_trained_classes(runner: Runner, checkpoint: Mapping) -> None:
    """Few-shot figures of classes that were trained on are too good: say so."""
    meta = getattr(runner.test_dataloader.dataset, 'metainfo', {})
    tested = meta.get('novel_classes') or meta.get('base_classes') or ()
    seen = [name for name in tested if name in _trained_on(checkpoint).get('base_classes', ())]
    if seen:
        runner.logger.warning(
            f'{len(seen)} of {len(tested)} tested classes were trained on, says the checkpoint: '
            f'{", ".join(seen)}. The figures are no few-shot figures; set the fold (or '
            'test_dataloader.dataset.fold) of the training'
        )


def check_resume(runner: Runner, checkpoint: dict, source: str) -> None:
    """Does a checkpoint go on where a training of this model on these data stopped?

    Raises:
        CheckpointError: If not; the message tells what to do.
    """
    restart = 'Start a new training from its weights instead: --cfg-options load_from=...'
    lacking = [key for key in ('optimizer', 'message_hub', 'meta') if key not in checkpoint]
    if lacking:
        raise CheckpointError(
            f'{source} cannot be resumed: it holds no {" and no ".join(lacking)}. {restart}'
        )
    checkpoint['meta'].pop('config', None)  # the host would run it as Python
    then = _trained_on(checkpoint).get('classes')
    now = getattr(runner.train_dataloader.dataset, 'metainfo', {}).get('classes')
    if then and now and (place := _first_difference(then, now)) is not None:
        number, old, new = place
        raise CheckpointError(
            f'{source} cannot be resumed: it was trained on {len(then)} classes, the config has '
            f'{len(now)}; number {number} was {old!r} and is {new!r}. {restart}'
        )
    weights = inner_model(runner.model).state_dict()
    ours = [name for name, _ in inner_model(runner.model).named_parameters() if name in weights]
    theirs = [name for name in checkpoint['state_dict'] if name in set(ours)]
    if place := _first_difference(theirs, ours):
        _, old, new = place
        raise CheckpointError(
            f'{source} cannot be resumed: its optimizer counts the parameters in another order or '
            f'by other names ({old} where this model has {new}), as of another implementation of '
            f'the network. {restart}'
        )
    _check_groups(runner, checkpoint['optimizer'], f'{source} cannot be resumed', restart)


def _check_groups(runner: Runner, state: Mapping, refusal: str, restart: str) -> None:
    """Compare the parameters of each group; optimizers of several parts have a state for each."""
    now = runner.optim_wrapper.state_dict()
    if 'param_groups' not in now or 'param_groups' not in state:
        return
    sizes = [[len(g['params']) for g in s['param_groups']] for s in (state, now)]
    if sizes[0] != sizes[1]:
        counts = [f'{sum(s)} parameters in {len(s)} groups' for s in sizes]
        raise CheckpointError(
            f'{refusal}: its optimizer has {counts[0]}, that of the config {counts[1]}. Resume '
            f'with the config it was trained with. {restart}'
        )


def _trained_on(checkpoint: Mapping) -> Mapping:
    return (checkpoint.get('meta') or {}).get('dataset_meta') or {}


def _first_difference(then: Sequence, now: Sequence) -> tuple[int, object, object] | None:
    """Place and values, None where one is shorter."""
    for place, (old, new) in enumerate(zip_longest(then, now)):
        if old != new:
            return place, old, new
    return None
