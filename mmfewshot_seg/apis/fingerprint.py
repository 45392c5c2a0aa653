"""What a fitted support set depends on, in a few letters."""

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor, nn

# Parts of a config that training needs, and prediction does not.
_OF_TRAINING = ('init_cfg', 'pretrained', 'train_cfg', 'loss_decode')


def fingerprint(config: object) -> str:
    """Of plain values, whatever the order of keys."""
    text = json.dumps(_predicting(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tensors_fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Of tensors by name, as a state dict is; wherever they lie."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def weights_fingerprint(model: nn.Module) -> str:
    """Of all parameters and buffers, wherever they lie."""
    return tensors_fingerprint(model.state_dict())


def _predicting(config: object) -> object:
    if isinstance(config, Mapping):
        kept = (key for key in config if key not in _OF_TRAINING)
        return {key: _predicting(config[key]) for key in kept}
    if isinstance(config, list | tuple):
        return [_predicting(value) for value in config]
    return config
