"""Checkpoints that the documentation names: official files, and models with random weights."""

from pathlib import Path

import torch
from helpers.fastfcn_file import official_fastfcn
from mmengine.config import Config
from mmengine.registry import init_default_scope
from parity.reference import load_manifest

from mmfewshot_seg.classes.word_vectors import read_word_vectors
from mmfewshot_seg.classes.zeroshot_splits import SPLITS
from mmfewshot_seg.registry import MODELS

MANIFESTS = Path(__file__).parents[1] / 'parity/data'
OFFICIAL = dict(
    panet='panet/manifest.json',
    asgnet='asgnet/manifest.json',
    danet='danet/manifest_danet101.json',
    gscnn='gscnn/manifest.json',
    refinemask='refinemask/manifest_detector_r50_coco.json',
    zsi='zsi/manifest_65_15.json',
)
PSPNET_STEM = {'0': 'conv1', '1': 'bn1', '3': 'conv2', '4': 'bn2', '6': 'conv3', '7': 'bn3'}


def write_official(system: str, path: Path) -> None:
    """A file in the layout of the official program, or of the backbone that it starts from."""
    pspnet = path.name == 'resnet50_v2.pth'  # ASGNet has all that is in it
    tensors = (
        official_fastfcn() if system == 'fastfcn' else _tensors('asgnet' if pspnet else system)
    )
    if system == 'zsi':  # holds the vectors that it was trained with
        seen = SPLITS['coco_65_15'].seen
        vectors = read_word_vectors('data/coco/word_w2v_withbg_65_15.txt', seen).select(seen)
        tensors['mask_head.conv_vec.weight'][1:] = torch.as_tensor(vectors)[..., None, None]
    if pspnet:
        tensors = _pspnet_backbone(tensors)
    if path.name == 'wider_resnet38.pth.tar':
        tensors = {key: value for key, value in tensors.items() if key.startswith('mod')}
        tensors = {f'module.{key}': value for key, value in tensors.items()}
    torch.save(dict(state_dict=tensors), path)


def _tensors(system: str) -> dict:
    """Weights in the right shapes that keep all outputs finite."""
    return {
        key: torch.full(shape, float('running_var' in key), dtype=getattr(torch, dtype))
        for key, (dtype, shape) in load_manifest(MANIFESTS / OFFICIAL[system]).items()
    }


def _pspnet_backbone(tensors: dict) -> dict:
    renamed = {}
    for key, value in tensors.items():
        layer, index, *rest = key.split('.')
        if layer == 'layer0':
            renamed['.'.join([PSPNET_STEM[index], *rest])] = value
        elif layer.startswith('layer'):
            renamed[key] = value
    return renamed


def write_random(config: Path, path: Path) -> None:
    """Random weights of a config's model."""
    loaded = Config.fromfile(config)
    init_default_scope(loaded.default_scope)
    torch.manual_seed(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=MODELS.build(loaded.model).state_dict(), meta={}), path)
