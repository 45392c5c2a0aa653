"""ASGNet: the official training checkpoints with either decoder, and the backbone files."""

import torch

from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.deep_stem_resnet import IMAGENET, STAGES
from mmfewshot_seg.converters.resnet_depth import resnet_depth
from mmfewshot_seg.registry import MODELS

DECODER = 'decode_head.decoder'
COMMON_RENAMES = (
    (r'layer0\.(\d\..+)', r'backbone.stem.\1'),
    STAGES,
    (r'down_conv\.0\.weight', 'decode_head.reduction.weight'),
    (r'cls\.([03]\..+)', rf'{DECODER}.classify.\1'),
)
UNUSED_STAGE = (r'layer4\..+',)


def _enrichment_target(state_dict: StateDict) -> StateDict:
    channels, concatenated = state_dict['res1.0.weight'].shape[:2]
    scales = concatenated // channels
    decoder = dict(type='mmfewshot_seg.FeatureEnrichment', scales=(1.0,) * scales)
    return _target(state_dict, decoder)


def _aspp_target(state_dict: StateDict) -> StateDict:
    return _target(state_dict, dict(type='mmfewshot_seg.ASPPDecoder'))


def _target(state_dict: StateDict, decoder: dict) -> StateDict:
    config = dict(
        type='mmfewshot_seg.FewShotSegmentor',
        backbone=dict(
            type='mmfewshot_seg.FrozenResNet',
            depth=resnet_depth(state_dict),
            deep_stem=True,
            stem_channels=128,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(1, 2),
        ),
        decode_head=dict(type='mmfewshot_seg.ASGNetHead', decoder=decoder),
    )
    with torch.device('meta'):
        return MODELS.build(config).state_dict()


LAYOUTS = (
    Layout(
        name='ASGNet',
        signature='res1.0.weight',
        renames=(
            *COMMON_RENAMES,
            (r'corr_conv\.(\d+)\.0\.weight', rf'{DECODER}.merge.\1.weight'),
            (r'alpha_conv\.(\d+\.0\.weight)', rf'{DECODER}.top_down.\1'),
            (r'beta_conv\.(\d+\.[02]\.weight)', rf'{DECODER}.refine.\1'),
            (r'inner_cls\.(\d+\.[03]\..+)', rf'{DECODER}.auxiliary.\1'),
            (r'res1\.(0\.weight)', rf'{DECODER}.fuse.\1'),
            (r'res2\.([02]\.weight)', rf'{DECODER}.refine_fused.\1'),
        ),
        dead=UNUSED_STAGE,
        target=_enrichment_target,
    ),
    Layout(
        name='ASGNet with ASPP',
        signature='ASPP.layer7.0.weight',
        renames=(
            *COMMON_RENAMES,
            (r'corr_conv\.0\.weight', rf'{DECODER}.merge.weight'),
            *(
                (
                    rf'skip{block + 1}\.{old}\.weight',
                    rf'{DECODER}.residuals.{block}.branch.{new}.weight',
                )
                for block in range(3)
                for old, new in ((1, 0), (3, 2))
            ),
            (r'ASPP\.layer6_0\.(0\..+)', rf'{DECODER}.aspp.image_pool.\1'),
            *(
                (rf'ASPP\.layer6_{branch + 1}\.(0\..+)', rf'{DECODER}.aspp.branches.{branch}.\1')
                for branch in range(4)
            ),
            (r'ASPP\.layer7\.(0\..+)', rf'{DECODER}.aspp.bottleneck.\1'),
            (r'decoder\.conv1\.weight', rf'{DECODER}.low_level.0.weight'),
            (r'decoder\.bn1\.(.+)', rf'{DECODER}.low_level.1.\1'),
            (r'decoder\.last_conv\.([01]\..+)', rf'{DECODER}.join.\1'),
            (r'cls_aux\.([03]\..+)', rf'{DECODER}.auxiliary.\1'),
        ),
        dead=UNUSED_STAGE,
        target=_aspp_target,
    ),
    IMAGENET,
)
