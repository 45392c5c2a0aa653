"""Stand-ins for the files of the official programs: keys and shapes of the real ones."""

from pathlib import Path

import torch
from mmseg.models.backbones import ResNet
from parity.reference import load_manifest, reference_state_dict, reference_tensor

DATA = Path(__file__).parents[1] / 'parity/data'
STEM = {'stem.0.': 'conv1.0.', 'stem.1.': 'conv1.1.', 'stem.3.': 'conv1.3.', 'stem.4.': 'conv1.4.'}
STEM |= {'stem.6.': 'conv1.6.', 'stem.7.': 'bn1.'}
PSPNET_STEM = {'0': 'conv1', '1': 'bn1', '3': 'conv2', '4': 'bn2', '6': 'conv3', '7': 'bn3'}
AUXILIARY = {
    '0.weight': (256, 1024, 3, 3),
    '1.weight': (256,),
    '1.bias': (256,),
    '1.running_mean': (256,),
    '1.running_var': (256,),
    '4.weight': (59, 256, 1, 1),
    '4.bias': (59,),
}


def official(manifest: str) -> dict:
    """State dict of a file, e.g. ``'zsi/manifest_65_15'``; its numbers keep all outputs finite."""
    return {
        key: torch.full(shape, float('running_var' in key), dtype=getattr(torch, dtype))
        for key, (dtype, shape) in load_manifest(DATA / f'{manifest}.json').items()
    }


def pspnet_backbone(asgnet: dict) -> dict:
    """State dict of PSPNet's ImageNet file, of which an official file of ASGNet has all."""
    named = {key: key.split('.') for key in asgnet if key.startswith('layer')}
    return {
        '.'.join([PSPNET_STEM[parts[1]], *parts[2:]]) if parts[0] == 'layer0' else key: asgnet[key]
        for key, parts in named.items()
    }


def fastfcn_neck() -> dict:
    """The part of FastFCN's neck, without its prefix."""
    return reference_state_dict(load_manifest(DATA / 'jpu/manifest.json'))


def official_fastfcn() -> dict:
    """State dict of an official file of FastFCN: backbone, neck and auxiliary head."""
    state_dict = {f'jpu.{key}': value for key, value in fastfcn_neck().items()}
    for key, value in ResNet(50, deep_stem=True, stem_channels=128).state_dict().items():
        part = next((part for part in STEM if key.startswith(part)), '')
        state_dict[f'pretrained.{STEM.get(part, "")}{key.removeprefix(part)}'] = value
    for key, shape in AUXILIARY.items():
        state_dict[f'auxlayer.conv5.{key}'] = reference_tensor(key, shape)
    return state_dict | {
        'head.conv5.0.weight': torch.zeros(2),
        'pretrained.fc.bias': torch.zeros(2),
    }
