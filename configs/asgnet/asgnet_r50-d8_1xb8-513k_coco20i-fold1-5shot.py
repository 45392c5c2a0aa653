_base_ = './asgnet_r50-d8_1xb8-513k_coco20i-fold0-5shot.py'

train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
