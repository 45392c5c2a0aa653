_base_ = './asgnet_r50-d8_1xb4-300k_pascal5i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
test_dataloader = dict(dataset=dict(fold=3))
