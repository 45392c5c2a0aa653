_base_ = [
    '../_base_/models/gscnn_r50-d8.py',
    '../_base_/datasets/cityscapes_gscnn.py',
    '../_base_/schedules/sgd_175e.py',
    '../_base_/default_runtime_semseg_epochs.py',
]
