# Residual variant: 24000 episodes, four a step.
_base_ = './panet_30k.py'

param_scheduler = [dict(type='MultiStepLR', milestones=[2000, 4000], gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000, val_interval=300)
