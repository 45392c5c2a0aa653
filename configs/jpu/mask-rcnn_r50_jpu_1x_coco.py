_base_ = [
    '../_base_/models/mask-rcnn_r50_jpu.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/default_runtime_det.py',
]
