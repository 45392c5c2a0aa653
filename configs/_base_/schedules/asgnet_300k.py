# ASGNet on PASCAL-5i: 200 passes over 5953 images, 4 a step (297,650 steps). The official epoch
# is one pass over the images that show a training class of the fold, so it is shorter and differs
# between folds. The schedule of the official program multiplies every learning rate by 10.
# Validated about every second pass.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.0025, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10)}),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=300000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=300000, val_interval=3000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
randomness = dict(seed=321)
