"""What the meta data of a graph say of the images that go into it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import ConfigDict
from torch import nn

from mmfewshot_seg.compat import flips_channels
from mmfewshot_seg.runtime.images import ImageSteps

_NO_STEPS = (
    'LoadImageFromFile',
    'LoadAnnotations',
    'LoadLabels',
    'LoadEpisodeMask',
    'BoundingBoxAnnotation',
    'ScribbleAnnotation',
    'PlaceSuperpixelSeeds',
    'PackSegInputs',
    'PackDetInputs',
)
"""Transforms that leave the image of a prediction as it is."""
LANDSCAPE, PORTRAIT = (480, 640), (640, 480)


def image_meta(pipeline: Sequence[Mapping], preprocessor: nn.Module) -> dict[str, Any]:
    """``steps``, ``mean``, ``std`` and ``channel_order`` of a config's test.

    Args:
        pipeline: Its transforms.
        preprocessor: The model's data preprocessor.

    Raises:
        ValueError: If a transform is not one of those that the runtime knows.
    """
    normalises = getattr(preprocessor, '_enable_normalize', False)
    mean, std = (
        getattr(preprocessor, name).flatten().tolist() if normalises else [value] * 3
        for name, value in (('mean', 0.0), ('std', 1.0))
    )
    return dict(
        steps=[_step(transform) for transform in pipeline if _name(transform) not in _NO_STEPS],
        mean=mean,
        std=std,
        channel_order='RGB' if flips_channels(preprocessor) else 'BGR',
    )


def constant_size(meta: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width that all images are brought to; None if they differ."""
    steps = ImageSteps(meta)
    shapes = {
        steps(np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8))[1].shape
        for size in (LANDSCAPE, PORTRAIT)
    }
    return shapes.pop() if len(shapes) == 1 else None


def pipeline_of_test(cfg: ConfigDict) -> list[dict]:
    """Transforms of the test of a config.

    Raises:
        ValueError: If it has none.
    """
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    if not dataset.get('pipeline'):
        raise ValueError(
            'the config names no transforms: it needs test_dataloader.dataset.pipeline'
        )
    return dataset['pipeline']


def _name(transform: Mapping) -> str:
    return transform['type'].rpartition('.')[2]


def _step(transform: Mapping) -> dict[str, Any]:
    options = {key: value for key, value in transform.items() if key != 'type'}
    make: dict[str, Callable[..., dict[str, Any]]] = {
        'Resize': _resize,
        'ResizeLongSide': _resize_long_side,
        'Pad': _pad,
    }
    name = _name(transform)
    if name not in make:
        raise ValueError(
            f'the transform {name} has no counterpart without PyTorch; there are '
            f'{", ".join(make)}: leave it out of the pipeline of the test'
        )
    for key, usual in (('backend', 'cv2'), ('interpolation', 'bilinear')):
        if options.pop(key, usual) != usual:
            raise ValueError(f'{name} with {key}={transform[key]!r} cannot be exported: {usual!r}')
    try:
        return make[name](**options)
    except TypeError as error:
        raise ValueError(f'{name} cannot be exported with these options: {error}') from error


def _resize(scale: Sequence[int] | int, keep_ratio: bool = False) -> dict[str, Any]:
    size = [scale, scale] if isinstance(scale, int) else list(scale)
    return dict(type='resize', scale=size, keep_ratio=keep_ratio)


def _resize_long_side(long_side: int, divisor: int = 8) -> dict[str, Any]:
    return dict(type='resize_long_side', long_side=long_side, divisor=divisor)


def _pad(
    size: Sequence[int] | None = None,
    size_divisor: int | None = None,
    pad_val: Mapping | int = 0,
    pad_to_square: bool = False,
) -> dict[str, Any]:
    if pad_to_square:
        raise TypeError('pad_to_square')
    value = pad_val.get('img', 0) if isinstance(pad_val, Mapping) else pad_val
    if isinstance(pad_val, Mapping) and pad_val.get('seg', 255) != 255:
        raise TypeError(f'pad_val of labels is {pad_val["seg"]}, expected 255')
    return dict(type='pad', size=list(size) if size else None, divisor=size_divisor, value=value)
