_base_ = [
    '../_base_/models/gscnn_r18-d8.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/adamw_1k.py',
    '../_base_/default_runtime_semseg.py',
]
