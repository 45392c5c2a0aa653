"""Do weights fit the model of a config, and does it run with them?"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor

from mmfewshot_seg.apis.config_checks import check_parts
from mmfewshot_seg.apis.run_config import load_config
from mmfewshot_seg.apis.weights_fit import load_weights

_SIZE = (128, 192)


def check_weights(
    config: str, state_dict: Mapping[str, Tensor], cfg_options: Sequence[str] = ()
) -> list[str]:
    """Load weights into the model of a config and run it on a random image, without a GPU.

    Args:
        config: Config file.
        state_dict: Weights; parts of the model (``decode_head``, ...) may be missing as a whole.
        cfg_options: ``key=value`` options.

    Returns:
        Parts of the model that the weights lack.

    Raises:
        UsageError: If the config is wrong, or its model cannot be built here.
        ValueError: If weights do not fit, are not finite, or the model does not run or gives
            numbers that are not finite; the message names the keys.
    """
    cfg = load_config(config, cfg_options)
    check_parts(cfg, ('model',))
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    try:
        fit = load_weights(model, state_dict)
        lacking = tuple(f'{part}.' for part in fit.missing_parts)
        if faults := fit.without(lacking).faults():
            raise ValueError(faults)
        _run(model.eval())
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition('\n')[0]
        raise ValueError(f'the weights do not fit the model of {config}: {reason}') from error
    return fit.missing_parts


@torch.no_grad()
def _run(model: BaseModel) -> None:
    batch = model.data_preprocessor(_batch(model), False)
    outputs = list(_tensors(model(**batch, mode='tensor')))
    if not outputs or not all(output.isfinite().all() for output in outputs):
        raise ValueError('its outputs are not finite')


def _batch(model: BaseModel) -> dict:
    """A random image, for a few-shot model its own support, as a data loader would give it."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(256, (3, *_SIZE), generator=generator, dtype=torch.uint8)
    if hasattr(model, 'fit_support'):
        mask = torch.zeros(1, 1, *_SIZE, dtype=torch.uint8)
        mask[..., _SIZE[0] // 4 : -_SIZE[0] // 4, _SIZE[1] // 4 : -_SIZE[1] // 4] = 1
        support = image[None, None]
        return dict(inputs=dict(query=[image[None]], support=[support], support_masks=[mask]))
    if hasattr(model, 'decode_head'):
        return dict(inputs=[image])
    from mmdet.structures import DetDataSample

    meta = dict(img_shape=_SIZE, ori_shape=_SIZE, scale_factor=(1.0, 1.0))
    return dict(inputs=[image], data_samples=[DetDataSample(metainfo=meta)])


def _tensors(outputs) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dicts."""
    if isinstance(outputs, Tensor):
        yield outputs
    elif isinstance(outputs, Mapping):
        yield from _tensors(list(outputs.values()))
    elif isinstance(outputs, list | tuple):
        for output in outputs:
            yield from _tensors(output)
