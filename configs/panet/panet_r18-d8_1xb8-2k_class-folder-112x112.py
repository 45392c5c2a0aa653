_base_ = [
    '../_base_/models/panet_r18-d8.py',
    '../_base_/datasets/class_folder.py',
    '../_base_/schedules/adamw_500.py',
    '../_base_/default_runtime_seg.py',
]
