_base_ = './asgnet_r101-d8_1xb8-513k_coco20i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
