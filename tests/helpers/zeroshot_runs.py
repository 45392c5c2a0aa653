"""A tiny zero-shot detector with data and weights in files, for what users run."""

from pathlib import Path

import torch
from helpers.zeroshot_configs import bbox_head as tiny_bbox_head
from helpers.zeroshot_configs import detector, roi_head
from helpers.zeroshot_data import OWN, SIDE, write_own
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import MODELS

TASKS = dict(unseen='unseen', generalized='gzsi')


def own_config(folder: Path, mode: str = 'unseen') -> Config:
    """Tests the classes of `OWN` on the data that ``write_own(folder)`` writes."""
    classes = dict(split=OWN, word_vectors=str(folder / 'word_vectors.txt'))
    roi = roi_head(bbox_head=tiny_bbox_head(unseen_reg='top_seen'))
    model = detector(mode, roi, classes=classes).to_dict()
    model['data_preprocessor'].update(mean=[127.0] * 3, std=[64.0] * 3)
    model['test_cfg']['rcnn']['max_per_img'] = 20  # of the best class alone there are five
    ann_file = str(folder / f'annotations/instances_val_{TASKS[mode]}.json')
    dataset = dict(
        type='mmfewshot_seg.ZeroShotCocoDataset',
        split=OWN,
        mode=mode,
        ann_file=ann_file,
        data_prefix=dict(img=str(folder / 'val')),
        test_mode=True,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(SIDE, SIDE), keep_ratio=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    )
    return Config(
        dict(
            default_scope='mmdet',
            model=model,
            test_dataloader=dict(
                dataset=dataset, sampler=dict(type='DefaultSampler', shuffle=False), batch_size=1
            ),
            test_cfg=dict(type='TestLoop'),
            test_evaluator=dict(type='mmfewshot_seg.ZeroShotCocoMetric', ann_file=ann_file),
            visualizer=dict(type='DetLocalVisualizer'),
        )
    )


def write_own_run(folder: Path) -> None:
    """Data, ``unseen.py``, ``generalized.py`` and ``weights.pth`` of a random model."""
    write_own(folder)
    for mode in TASKS:
        own_config(folder, mode).dump(folder / f'{mode}.py')
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(own_config(folder).model)
    model.init_weights()
    for parameter in model.roi_head.bbox_head.parameters():  # initial words are nearly equal
        torch.nn.init.normal_(parameter, std=0.2)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
