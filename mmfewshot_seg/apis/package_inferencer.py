"""Inferencers of this package: configs by name, and no weight left random."""

from itertools import count
from pathlib import Path
from typing import TypeAlias

from mmengine.config import Config, ConfigDict
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope
from torch import nn

from mmfewshot_seg.apis.checkpoint_hook import check_trained_on
from mmfewshot_seg.apis.run_config import config_path
from mmfewshot_seg.apis.weights_fit import load_for_prediction
from mmfewshot_seg.checkpoints import checkpoint_gate
from mmfewshot_seg.checkpoints.config_text import config_of_checkpoint

ModelSource: TypeAlias = str | Path | Config | ConfigDict | dict | None


class PackageInferencer(BaseInferencer):
    """``BaseInferencer`` that knows the configs of this package and wants all weights.

    Args:
        model: Config file, config, or the name of a config of this package. None: the config that
            is in ``weights``.
        weights: Checkpoint; every weight that the model predicts with must be in it. None: random
            weights.
        device: ``'cpu'``, ``'cuda:0'``, ...; by default what there is.
        scope: Default scope of the registries.
        show_progress: Whether to show a progress bar.
        trust_checkpoint: Whether ``weights`` may hold code, and it may run; else it is refused.

    Raises:
        FileNotFoundError: If ``weights`` is no file.
        ValueError: If the model is unknown, or the weights are no checkpoint or do not fit.
    """

    def __init__(
        self,
        model: ModelSource = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmseg',
        show_progress: bool = True,
        trust_checkpoint: bool = False,
    ) -> None:
        self._array_numbers = count()  # names of images without a file, over all calls
        init_default_scope(scope)
        model = str(model) if isinstance(model, Path) else model
        self._weights = weights = str(weights) if isinstance(weights, Path) else weights
        with checkpoint_gate(trust_checkpoint):
            if model is None and weights is not None:
                model = config_of_checkpoint(weights, trust_checkpoint)
            super().__init__(model, weights, device, scope, show_progress=show_progress)

    def _load_model_from_metafile(self, model: str) -> tuple[Config, None]:
        return Config.fromfile(config_path(model)), None  # no weights are published

    def _init_model(self, cfg: Config, weights: str | None, device: str = 'cpu') -> nn.Module:
        if cfg and 'model' not in cfg:
            raise ValueError('the config defines no model')
        try:
            return super()._init_model(cfg, weights, device)
        except KeyError as error:  # an unknown type in the config
            raise ValueError(error.args[0]) from error

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        if checkpoint is not None:
            check_trained_on(model, checkpoint)
            load_for_prediction(model, checkpoint['state_dict'], str(self._weights))
        super()._load_weights_to_model(model, checkpoint, cfg)
