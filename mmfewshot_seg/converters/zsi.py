"""Zero-shot instance segmentation: the official detectors, of MMDetection 1.x.

Labels move: the background was first and is last now. What no detection depends on is dropped:
unused layers, box deltas of the background, and the class vectors that the mask head holds a copy
of, which :func:`check` compares with those of the user.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from mmengine.config import ConfigDict
from torch import Tensor

from mmfewshot_seg.classes.word_vectors import WordVectors, read_word_vectors
from mmfewshot_seg.classes.zeroshot_splits import resolve_split
from mmfewshot_seg.converters.checkpoint import Layout, StateDict
from mmfewshot_seg.converters.resnet_depth import resnet_depth
from mmfewshot_seg.registry import MODELS

BOX_DELTAS = 4


def num_seen(state_dict: StateDict) -> int:
    """Seen classes of an official file: all that have box deltas, but the background."""
    return len(state_dict['bbox_head.fc_reg.bias']) // BOX_DELTAS - 1


def nameless_classes(state_dict: StateDict) -> dict:
    """``classes`` of a detector as large as an official file says, without names and vectors."""
    word_dim, vocabulary_size = state_dict['bbox_head.kernel_semantic.weight'].shape
    names = tuple(f'class {index}' for index in range(num_seen(state_dict)))
    return dict(
        split=dict(seen=names),
        word_vectors=WordVectors(names, np.ones((len(names), word_dim))),
        vocabulary=np.ones((vocabulary_size, word_dim)),
    )


def detector_config(state_dict: StateDict, classes: dict | None = None) -> ConfigDict:
    """Config of the detector of an official file, for inference.

    Args:
        state_dict: The official one.
        classes: See ``ZeroShotMaskRCNN``; without names and vectors by default.

    Raises:
        ValueError: If the backbone is neither ResNet-50 nor ResNet-101.
    """
    has_masks = 'mask_head.convT.conv.weight' in state_dict
    channels = len(state_dict['rpn_head.rpn_conv.bias'])
    roi_head = dict(
        type='mmfewshot_seg.ZeroShotRoIHead',
        bbox_roi_extractor=_roi_extractor(7, channels),
        bbox_head=dict(
            type='mmfewshot_seg.ZeroShotBBoxHead',
            in_channels=channels,
            fc_out_channels=len(state_dict['bbox_head.shared_fcs.0.bias']),
        ),
    )
    if has_masks:
        roi_head.update(
            mask_roi_extractor=_roi_extractor(14, channels),
            mask_head=dict(
                type='mmfewshot_seg.SemanticMaskHead',
                in_channels=channels,
                conv_out_channels=len(state_dict['mask_head.upsample.bias']),
            ),
        )
    config = dict(
        type=f'mmfewshot_seg.ZeroShot{"Mask" if has_masks else "Faster"}RCNN',
        data_preprocessor=dict(type='mmdet.DetDataPreprocessor'),
        classes=classes or nameless_classes(state_dict),
        backbone=dict(type='mmdet.ResNet', depth=resnet_depth(state_dict, 'backbone.')),
        neck=dict(
            type='mmdet.FPN',
            in_channels=[256, 512, 1024, 2048],
            out_channels=channels,
            num_outs=5,
        ),
        rpn_head=dict(
            type='mmfewshot_seg.BackgroundAwareRPNHead',
            in_channels=channels,
            feat_channels=channels,
            anchor_generator=dict(
                type='mmfewshot_seg.V1AnchorGenerator',
                scales=[8],
                ratios=[0.5, 1.0, 2.0],
                strides=[4, 8, 16, 32, 64],
            ),
        ),
        roi_head=roi_head,
        train_cfg=None,
        test_cfg=dict(
            rpn=dict(
                nms_pre=1000,
                max_per_img=1000,
                nms=dict(type='nms', iou_threshold=0.7),
                min_bbox_size=0,
            ),
            rcnn=dict(
                mode='seen',
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.5),
                max_per_img=100,
                mask_thr_binary=0.5,
            ),
        ),
    )
    return ConfigDict(config)


def _roi_extractor(size: int, channels: int) -> dict:
    return dict(
        type='mmdet.SingleRoIExtractor',
        roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=2, aligned=False),
        out_channels=channels,
        featmap_strides=[4, 8, 16, 32],
    )


def class_order_check(word_vectors: str, split: str) -> Callable[[StateDict], None]:
    """:func:`check` with the vectors of a file, which is read at once.

    Args:
        word_vectors: See :func:`read_word_vectors`.
        split: See :func:`resolve_split`.
    """
    seen = resolve_split(split).seen
    return partial(check, seen_vectors=read_word_vectors(word_vectors, seen).select(seen))


def check(state_dict: StateDict, seen_vectors: Tensor | np.ndarray) -> None:
    """Do word vectors and their order agree with those that the mask head was trained with?

    Args:
        state_dict: The official one, with or without ``module.``.
        seen_vectors: (seen classes, length of a word vector), in the order of the labels.

    Raises:
        ValueError: If they do not, or there is nothing to compare with (a model without masks).
    """
    state_dict = {key.removeprefix('module.'): value for key, value in state_dict.items()}
    kernel = state_dict.get('mask_head.conv_vec.weight')
    if kernel is None:
        raise ValueError(
            'the file has no mask_head.conv_vec.weight to compare word vectors with: models '
            'without masks do not tell the order of their classes'
        )
    trained = kernel.flatten(1)[1:].float()  # the first is the background
    given = torch.as_tensor(seen_vectors).float()
    if given.shape != trained.shape:
        raise ValueError(
            f'{len(given)} word vectors of length {given.shape[1]}, but the checkpoint has '
            f'{len(trained)} seen classes and vectors of length {trained.shape[1]}'
        )
    wrong = ((given - trained).abs().amax(1) > 1e-4 * trained.abs().max()).nonzero().flatten()
    if len(wrong):
        raise ValueError(
            f'the word vectors of {len(wrong)} of {len(trained)} seen classes differ from those '
            f'that the checkpoint was trained with, first number {wrong[0]}: another order of the '
            'classes, or vectors of another model'
        )


def _target(state_dict: StateDict) -> StateDict:
    with torch.device('meta'):
        return MODELS.build(detector_config(state_dict)).state_dict()


def _adapt(key: str, value: Tensor) -> Tensor:
    if key == 'rpn_head.vec_fb.weight':  # (background, object) of each anchor to the reverse
        return value.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
    if key.startswith('roi_head.bbox_head.fc_reg.'):  # the background has no box
        return value[BOX_DELTAS:]
    return value


LAYOUTS = (
    Layout(
        name='ZSI detector',
        signature='bbox_head.kernel_semantic.weight',
        renames=(
            (r'mask_head\.convs\.3\.(.+)', r'roi_head.mask_head.convs.0.\1'),
            (
                r'(mask_head\.(?:upsample|convT|kernel_semantic|dconvT|d_kernel_semantic)\..+)',
                r'roi_head.\1',
            ),
            (
                r'(bbox_head\.(?:shared_fcs|fc_reg|(?:d_)?fc_semantic|(?:d_)?kernel_semantic)\..+)',
                r'roi_head.\1',
            ),
            (r'((backbone|neck|rpn_head)\..+)', r'\1'),
        ),
        adapt=_adapt,
        dead=(
            r'bbox_head\.fc_res\..+',
            r'mask_head\.convs\.[0-2]\..+',
            r'mask_head\.(conv_vec|con_vec_t|conv_vec_unseen)\.weight',
        ),
        target=_target,
    ),
)
