_base_ = './asgnet_r101-d8_1xb4-300k_pascal5i-fold0-5shot.py'

train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
