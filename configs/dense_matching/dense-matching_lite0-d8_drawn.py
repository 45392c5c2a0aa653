# Nothing is trained: tools/test.py takes the word `pretrained` for its checkpoint.
_base_ = [
    '../_base_/models/dense-matching_lite0-d8.py',
    '../_base_/datasets/drawn.py',
    '../_base_/schedules/adamw_2k.py',
    '../_base_/default_runtime_seg.py',
]
