"""Checkpoints that a killed training leaves whole, and never none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.fileio import register_backend
from mmengine.fileio.backends import BaseStorageBackend
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.runner import Runner

from mmfewshot_seg.files.whole_backend import WholeFileBackend
from mmfewshot_seg.registry import HOOKS


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """MMEngine's hook; an old checkpoint is removed after the new one is written, not before.

    With ``max_keep_ckpts=1`` or ``save_best`` there is space needed for two for a moment.
    """

    file_backend: Any

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        with self._removing_last():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removing_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_last(self) -> Iterator[None]:
        backend = self.file_backend
        self.file_backend = late = _LateRemoval(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        written = {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best}
        for remove, path in late.removals:
            if path not in written:  # a training that was resumed may write the same name
                remove(path)


class _LateRemoval:
    """A storage backend that keeps in mind what to remove."""

    def __init__(self, backend: BaseStorageBackend) -> None:
        self.backend = backend
        self.removals: list[tuple[Callable[[str], object], str]] = []

    def __getattr__(self, name: str):
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.removals.append((self.backend.remove, path))

    def rmtree(self, path: str) -> None:
        self.removals.append((self.backend.rmtree, path))


def write_whole_checkpoints() -> None:
    """From now on MMEngine writes local files whole, in this process.

    All of them: checkpoints, published ones, predictions, pictures. A config's
    ``CheckpointHook``, which is also the default, becomes :class:`WholeCheckpointHook`.
    """
    register_backend('local', WholeFileBackend, force=True, prefixes='')
    ROOT_HOOKS.register_module('CheckpointHook', force=True, module=WholeCheckpointHook)
