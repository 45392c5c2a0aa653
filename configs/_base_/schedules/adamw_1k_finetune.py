# The same for new layers on a pretrained backbone: they learn faster, the backbone more slowly.
_base_ = './adamw_1k.py'

optim_wrapper = dict(
    optimizer=dict(lr=3e-3), paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))
)
