"""Inferencers of this package: configs by name, and no weight left random."""

import pickle
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope
from torch import nn

from mmfewshot_seg.apis.run_config import config_path

ModelSource = str | Path | Config | ConfigDict | dict | None


class PackageInferencer(BaseInferencer):
    """``BaseInferencer`` that knows the configs of this package and wants all weights.

    Args:
        model: Config file, config, or the name of a config of this package. None: the config that
            is in ``weights``.
        weights: Checkpoint; every weight of the model must be in it. None: random weights.
        device: ``'cpu'``, ``'cuda:0'``, ...; by default what there is.
        scope: Default scope of the registries.
        show_progress: Whether to show a progress bar.

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
    ) -> None:
        init_default_scope(scope)
        model = str(model) if isinstance(model, Path) else model
        weights = str(weights) if isinstance(weights, Path) else weights
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
        except (pickle.UnpicklingError, EOFError) as error:
            raise ValueError(f'{weights} is no checkpoint ({error})') from error

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        if checkpoint is not None:
            given = checkpoint.get('state_dict', checkpoint)
            shapes = {key.removeprefix('module.'): tensor.shape for key, tensor in given.items()}
            own = {key: tensor.shape for key, tensor in model.state_dict().items()}
            unfit = [key for key, shape in own.items() if shapes.get(key) != shape]
            if unfit := [key for key in unfit if not key.endswith('num_batches_tracked')]:
                raise ValueError(
                    f'{len(unfit)} of {len(own)} weights of the model are not in the checkpoint or '
                    f'of another shape, as {unfit[0]}. A checkpoint of official code is to be '
                    'converted first: python tools/convert_checkpoint.py SYSTEM IN OUT'
                )
        super()._load_weights_to_model(model, checkpoint, cfg)
