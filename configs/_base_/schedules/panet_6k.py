# Residual variant: 24000 episodes, four a step; the best of the validations is kept.
_base_ = './panet_30k.py'

param_scheduler = [dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000, val_interval=300)
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook',
        by_epoch=False,
        interval=300,
        max_keep_ckpts=1,
        save_best='mIoU',
        rule='greater',
    )
)
