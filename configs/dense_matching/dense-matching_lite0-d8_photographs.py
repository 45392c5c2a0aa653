# What FewShotInferencer() is without arguments.
_base_ = [
    '../_base_/models/dense-matching_lite0-d8.py',
    '../_base_/datasets/photographs.py',
    '../_base_/default_runtime_seg.py',
]

model = dict(test_cfg=dict(refine='grabcut'))
