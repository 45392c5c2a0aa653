_base_ = './panet_r50-d8_1xb4-6k_pascal5i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
