"""Tiny zero-shot detectors: ResNet-18 of width 8, a pyramid of 16 channels, words of 12 numbers."""

import numpy as np
from helpers.refinemask_configs import CHANNELS, roi_extractor
from helpers.refinemask_configs import detector as plain_detector
from mmengine.config import ConfigDict

from mmfewshot_seg.classes.word_vectors import WordVectors

SEEN = ('cat', 'dog', 'bus', 'boat')
UNSEEN = ('lion', 'ship', 'tram')
WORD_DIM = 12


def vectors(count: int, seed: int = 0) -> np.ndarray:
    """(count, WORD_DIM) of length 1."""
    drawn = np.random.RandomState(seed).standard_normal((count, WORD_DIM)).astype('float32')
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def classes(**options) -> dict:
    config = dict(
        split=dict(seen=SEEN, unseen=UNSEEN),
        word_vectors=WordVectors(SEEN + UNSEEN, vectors(len(SEEN + UNSEEN))),
        vocabulary=vectors(20, seed=1),
    )
    return dict(config, **options)


def bbox_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.ZeroShotBBoxHead',
        in_channels=CHANNELS,
        fc_out_channels=16,
        roi_feat_size=7,
    )
    return dict(config, **options)


def mask_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.SemanticMaskHead', in_channels=CHANNELS, conv_out_channels=CHANNELS
    )
    return dict(config, **options)


def roi_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.ZeroShotRoIHead',
        bbox_roi_extractor=roi_extractor(7),
        bbox_head=bbox_head(),
        mask_roi_extractor=roi_extractor(14),
        mask_head=mask_head(),
    )
    return dict(config, **options)


def rpn_head(**options) -> dict:
    config = dict(
        type='mmfewshot_seg.BackgroundAwareRPNHead',
        in_channels=CHANNELS,
        feat_channels=CHANNELS,
        anchor_generator=dict(
            type='mmdet.AnchorGenerator',
            scales=[8],
            ratios=[0.5, 1.0, 2.0],
            strides=[4, 8, 16, 32, 64],
        ),
    )
    return dict(config, **options)


def detector(mode: str = 'seen', roi: dict | None = None, **options) -> ConfigDict:
    """Mask R-CNN; scores are not cut off, for those of an untrained model are low."""
    config = plain_detector(roi or roi_head())
    ours = dict(type='mmfewshot_seg.ZeroShotMaskRCNN', classes=classes(), rpn_head=rpn_head())
    config.update(ours | options)
    config.train_cfg.rcnn.mask_size = 28
    config.test_cfg.rcnn.update(mode=mode, score_thr=-10.0)
    return config


def box_detector(mode: str = 'seen', **options) -> ConfigDict:
    """The same without masks."""
    roi = roi_head(mask_head=None, mask_roi_extractor=None)
    return detector(mode, roi, type='mmfewshot_seg.ZeroShotFasterRCNN', **options)
