_base_ = [
    '../_base_/models/gscnn_lite0_jpu.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/adamw_1k_finetune.py',
    '../_base_/default_runtime_semseg.py',
]
