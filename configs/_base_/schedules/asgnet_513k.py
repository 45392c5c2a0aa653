# ASGNet on COCO-20i: 50 passes over 82081 images, 8 a step; validated after every pass.
_base_ = './asgnet_300k.py'

optim_wrapper = dict(optimizer=dict(lr=0.005))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=513000, by_epoch=False)]
train_cfg = dict(max_iters=513000, val_interval=10260)
