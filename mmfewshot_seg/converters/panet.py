"""PANet: the official VGG files, and the files of the residual variant."""

from functools import partial

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.deep_stem_resnet import (
    IMAGENET,
    STAGES,
    backbone_target,
    resnet_target,
)

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


def _vgg_target(state_dict: StateDict) -> StateDict:
    return backbone_target(dict(type='mmfewshot_seg.PANetVGG'))


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
        target=resnet_target,
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
        target=partial(resnet_target, prefix='backbone.'),
    ),
    IMAGENET,
)
