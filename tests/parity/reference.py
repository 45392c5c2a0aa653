"""Deterministic stand-ins for published checkpoints, and the fixtures built on them.

A published model is described by a *manifest*: the keys, shapes and dtypes of its
official checkpoint.  Its weights are not stored; every tensor is drawn from a generator
that is seeded with the tensor's own key, so that a full-size checkpoint in the official
key layout can be made again anywhere from a few kilobytes of JSON.  A fixture holds what
the official implementation computed with exactly those weights.

    checkpoint = reference_state_dict(load_manifest('asgnet/manifest.json'))
    fixture = load_fixture('asgnet/forward_1shot.npz')     # inputs and expected outputs

``numpy.random.RandomState`` is used because its stream is frozen across NumPy versions.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch


def _rng(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def reference_tensor(key: str, shape, dtype: str = 'float32') -> torch.Tensor:
    """The stand-in weight for ``key``: same key and shape, same values, everywhere."""
    shape = tuple(shape)
    rng = _rng(key)
    if dtype.startswith('int'):
        return torch.zeros(shape, dtype=getattr(torch, dtype))
    if key.endswith('running_var'):
        values = rng.uniform(0.5, 1.5, shape)
    elif key.endswith('running_mean') or key.endswith('bias'):
        values = 0.1 * rng.standard_normal(shape)
    elif len(shape) <= 1:  # the scale of a normalisation layer, or a learned scalar
        values = rng.uniform(0.5, 1.5, shape)
    else:
        fan_in = int(np.prod(shape[1:]))
        values = rng.standard_normal(shape) / np.sqrt(fan_in)
    return torch.from_numpy(np.asarray(values)).to(getattr(torch, dtype))


def reference_state_dict(manifest: dict) -> dict:
    """A full checkpoint for ``manifest``: ``{key: [dtype, shape]}``."""
    return {key: reference_tensor(key, shape, dtype) for key, (dtype, shape) in manifest.items()}


def manifest_of(state_dict: dict) -> dict:
    """The manifest of a state dict, in its order."""
    return {
        key: [str(value.dtype).replace('torch.', ''), list(value.shape)]
        for key, value in state_dict.items()
    }


def reference_image(name: str, shape) -> torch.Tensor:
    """Smooth, normalised, image-like input of ``shape`` (..., H, W), float32."""
    noise = torch.from_numpy(_rng('image:' + name).standard_normal(tuple(shape))).float()
    flat = noise.reshape(-1, 1, *noise.shape[-2:])
    smooth = torch.nn.functional.avg_pool2d(flat, 5, 1, 2, count_include_pad=False) * 3
    return smooth.reshape(noise.shape)


def reference_mask(name: str, shape, num_classes: int = 2) -> torch.Tensor:
    """Blobby integer label map of ``shape`` (..., H, W) with values in [0, num_classes)."""
    shape = tuple(shape)
    scores = reference_image('mask:' + name, (*shape[:-2], num_classes, *shape[-2:]))
    flat = scores.reshape(-1, num_classes, *shape[-2:])
    flat = torch.nn.functional.avg_pool2d(flat, 9, 1, 4, count_include_pad=False)
    return flat.argmax(1).reshape(shape)


def load_manifest(path) -> dict:
    return json.loads(_resolve(path).read_text())


def load_fixture(path) -> dict:
    """Arrays of a fixture as tensors; 0-d entries come back as Python scalars."""
    with np.load(_resolve(path), allow_pickle=False) as data:
        return {
            key: torch.from_numpy(data[key]) if data[key].ndim else data[key].item()
            for key in data.files
        }


def _resolve(path) -> Path:
    path = Path(path)
    return path if path.is_absolute() else Path(__file__).parent / path
