"""The tools run a config of MMDetection as they run one of MMSegmentation."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.tool_calls import needs_ops, start_tool

CONFIG = """
default_scope = 'mmdet'
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(64, 64)),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
dataset = dict(
    type='CocoDataset',
    data_root={folder!r},
    ann_file='boxes.json',
    data_prefix=dict(img=''),
    metainfo=dict(classes=('square',)),
    pipeline=pipeline,
)
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True), dataset=dataset
)
test_dataloader = dict(
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, **dataset),
)
test_evaluator = dict(type='CocoMetric', ann_file={folder!r} + '/boxes.json', metric='bbox')
test_cfg = dict(type='TestLoop')
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-3))
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2),
    visualization=dict(type='DetVisualizationHook'),
)
visualizer = dict(type='DetLocalVisualizer', name='visualizer')
model = dict(
    type='RetinaNet',
    data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=18, base_channels=8, norm_eval=False),
    neck=dict(
        type='FPN', in_channels=[8, 16, 32, 64], out_channels=8, num_outs=4, start_level=1
    ),
    bbox_head=dict(
        type='RetinaHead',
        num_classes=1,
        in_channels=8,
        feat_channels=8,
        stacked_convs=1,
        anchor_generator=dict(
            type='AnchorGenerator', scales=[4], ratios=[1.0], strides=[8, 16, 32, 64]
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
    ),
    train_cfg=dict(
        assigner=dict(
            type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0,
            ignore_iof_thr=-1,
        ),
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5), max_per_img=5),
)
"""


def _draw_boxes(folder: Path) -> None:
    images, annotations = [], []
    for i in range(2):
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[10 + i : 40, 20:50] = 255
        cv2.imwrite(str(folder / f'{i}.png'), picture)
        images.append(dict(id=i, file_name=f'{i}.png', height=64, width=64))
        box = [20, 10 + i, 30, 30 - i]
        annotations.append(
            dict(id=i, image_id=i, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0)
        )
    categories = [dict(id=1, name='square')]
    content = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'boxes.json').write_text(json.dumps(content))


@pytest.mark.slow
@needs_ops
def test_detector_is_trained_and_tested(tmp_path) -> None:
    _draw_boxes(tmp_path)
    (tmp_path / 'config.py').write_text(CONFIG.format(folder=str(tmp_path)))
    test = ['config.py', 'run/iter_2.pth', '--out', 'boxes.pkl', '--show-dir', 'pictures']
    for tool, arguments in (('train.py', ['config.py']), ('test.py', test)):
        start_tool(tmp_path, tool, *arguments, '--work-dir', 'run')
    assert (tmp_path / 'boxes.pkl').stat().st_size
    assert sorted(path.name for path in (tmp_path / 'pictures').iterdir()) == ['0.png', '1.png']
