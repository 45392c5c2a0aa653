# Gated-SCNN on Cityscapes: 175 passes, the learning rate of 8 images a step falls linearly to 0,
# once per pass.
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4)
)
param_scheduler = [dict(type='PolyLR', power=1.0, eta_min=0, end=175, by_epoch=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=175, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(enable=True, base_batch_size=8)
