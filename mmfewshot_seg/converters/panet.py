"""PANet: the official VGG files, and the files of the residual variant."""

from functools import partial

import torch

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.registry import MODELS

# Position of each convolution, by block, in torchvision's numbering of VGG-16.
VGG_LAYERS = {
    '0': {'0': 0, '2': 2},
    '2': {'0': 5, '2': 7},
    '4': {'0': 10, '2': 12, '4': 14},
    '6': {'0': 17, '2': 19, '4': 21},
    '8': {'0': 24, '2': 26, '4': 28},
}
VGG_RENAMES = tuple(
    (
        rf'encoder\.backbone\.features\.{block}\.{layer}\.(weight|bias)',
        rf'backbone.features.{position}.\1',
    )
    for block, layers in VGG_LAYERS.items()
    for layer, position in layers.items()
)
STAGES = (r'(layer[123]\..+)', r'backbone.\1')
RESNET_DEPTHS = {6: 50, 23: 101}


def _vgg_target(state_dict: StateDict) -> StateDict:
    return _backbone_target(dict(type='mmfewshot_seg.PANetVGG'))


def _resnet_target(state_dict: StateDict, prefix: str = '') -> StateDict:
    blocks = sum(f'{prefix}layer3.{i}.conv1.weight' in state_dict for i in range(100))
    if blocks not in RESNET_DEPTHS:
        raise ValueError(
            f'layer3 has {blocks} blocks, expected one of {sorted(RESNET_DEPTHS)} (ResNet-50, -101)'
        )
    return _backbone_target(
        dict(
            type='mmfewshot_seg.SignedResNet',
            depth=RESNET_DEPTHS[blocks],
            deep_stem=True,
            stem_channels=128,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(2,),
        )
    )


def _backbone_target(config: dict) -> StateDict:
    with torch.device('meta'):
        backbone = MODELS.build(config)
    return {f'backbone.{key}': value for key, value in backbone.state_dict().items()}


LAYOUTS = (
    Layout(
        name='PANet VGG-16',
        signature='encoder.backbone.features.0.0.weight',
        renames=VGG_RENAMES,
        target=_vgg_target,
    ),
    Layout(
        name='residual variant (SSP key names)',
        signature='layer0.0.0.weight',
        renames=(
            (r'layer0\.0\.(\d\..+)', r'backbone.stem.\1'),
            (r'layer0\.1\.(.+)', r'backbone.stem.7.\1'),
            STAGES,
        ),
        target=_resnet_target,
    ),
    Layout(
        name='residual variant (MiningFSS key names)',
        signature='backbone.conv1.0.weight',
        renames=(
            (r'backbone\.conv1\.(\d\..+)', r'backbone.stem.\1'),
            (r'backbone\.bn1\.(.+)', r'backbone.stem.7.\1'),
            (r'(backbone\.layer[123]\..+)', r'\1'),
        ),
        dead=(r'backbone\.layer4\..+', r'backbone\.fc\..+'),
        target=partial(_resnet_target, prefix='backbone.'),
    ),
    Layout(
        name='ImageNet ResNet with PSPNet stem',
        signature='conv3.weight',
        renames=(
            (r'conv1\.(.+)', r'backbone.stem.0.\1'),
            (r'bn1\.(.+)', r'backbone.stem.1.\1'),
            (r'conv2\.(.+)', r'backbone.stem.3.\1'),
            (r'bn2\.(.+)', r'backbone.stem.4.\1'),
            (r'conv3\.(.+)', r'backbone.stem.6.\1'),
            (r'bn3\.(.+)', r'backbone.stem.7.\1'),
            STAGES,
        ),
        dead=(r'layer4\..+', r'fc\..+'),
        target=_resnet_target,
    ),
)
