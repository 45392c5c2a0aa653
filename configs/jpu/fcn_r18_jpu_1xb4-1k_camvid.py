_base_ = [
    '../_base_/models/fcn_r18_jpu.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/adamw_1k.py',
    '../_base_/default_runtime_semseg.py',
]
