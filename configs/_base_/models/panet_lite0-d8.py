# PANet on the same encoder; what lies before stride 16 stays as ImageNet left it.
_base_ = './dense-matching_lite0-d8.py'

model = dict(
    backbone=dict(frozen_stages=2),
    decode_head=dict(_delete_=True, type='mmfewshot_seg.PANetHead', in_index=(0, 1)),
)
