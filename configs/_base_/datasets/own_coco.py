# COCO-format data of your own. Where it lies is told by the environment variable OWN_COCO:
# annotations/instances_train.json, annotations/instances_val.json, train/, val/. Both files list
# the same categories, in any order; their names and number are read from the first. Files and
# images are checked at the start: tools/check_coco.py tells all faults. Polygons and RLE are read;
# with poly2mask=False objects in RLE would be left out.
_base_ = './coco_instance.py'  # above imports, else OpenMMLab's mmengine takes them for new style

import pathlib

from mmfewshot_seg.datasets.sources.coco_json import read_coco_json

data_root = '{{$OWN_COCO:data/mine}}/'
train_file = data_root + 'annotations/instances_train.json'
classes = ('object',)  # of nothing: so that the config loads without data
if pathlib.Path(train_file).is_file():
    classes = tuple(category['name'] for category in read_coco_json(train_file)['categories'])
del read_coco_json
num_classes = len(classes)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
metainfo = dict(classes=classes)
train_dataloader = dict(
    dataset=dict(
        type='mmfewshot_seg.CheckedCocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='train/'),
        metainfo=metainfo,
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='mmfewshot_seg.CheckedCocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='val/'),
        metainfo=metainfo,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
test_evaluator = val_evaluator
