"""A stand-in for an official file of FastFCN: backbone, neck and auxiliary head."""

from pathlib import Path

import torch
from mmseg.models.backbones import ResNet
from parity.reference import load_manifest, reference_state_dict, reference_tensor

DATA = Path(__file__).parents[1] / 'parity/data/jpu'
STEM = {'stem.0.': 'conv1.0.', 'stem.1.': 'conv1.1.', 'stem.3.': 'conv1.3.', 'stem.4.': 'conv1.4.'}
STEM |= {'stem.6.': 'conv1.6.', 'stem.7.': 'bn1.'}
AUXILIARY = {
    '0.weight': (256, 1024, 3, 3),
    '1.weight': (256,),
    '1.bias': (256,),
    '1.running_mean': (256,),
    '1.running_var': (256,),
    '4.weight': (59, 256, 1, 1),
    '4.bias': (59,),
}


def neck_weights() -> dict:
    """The part of the neck, without its prefix."""
    return reference_state_dict(load_manifest(DATA / 'manifest.json'))


def official_fastfcn() -> dict:
    """State dict of an official file."""
    state_dict = {f'jpu.{key}': value for key, value in neck_weights().items()}
    for key, value in ResNet(50, deep_stem=True, stem_channels=128).state_dict().items():
        part = next((part for part in STEM if key.startswith(part)), '')
        state_dict[f'pretrained.{STEM.get(part, "")}{key.removeprefix(part)}'] = value
    for key, shape in AUXILIARY.items():
        state_dict[f'auxlayer.conv5.{key}'] = reference_tensor(key, shape)
    return state_dict | {
        'head.conv5.0.weight': torch.zeros(2),
        'pretrained.fc.bias': torch.zeros(2),
    }
