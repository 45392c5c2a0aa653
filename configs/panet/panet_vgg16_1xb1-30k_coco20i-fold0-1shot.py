_base_ = [
    '../_base_/models/panet_vgg16.py',
    '../_base_/datasets/coco_20i.py',
    '../_base_/schedules/panet_30k.py',
    '../_base_/default_runtime_seg.py',
]
