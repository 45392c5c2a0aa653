_base_ = './asgnet_r50-d8-aspp_1xb4-300k_pascal5i-fold0-5shot.py'

train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
