_base_ = './asgnet_r101-d8_1xb8-513k_coco20i-fold0-5shot.py'

train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
test_dataloader = dict(dataset=dict(fold=3))
