_base_ = './panet_r101-d8_1xb4-6k_coco20i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
test_dataloader = dict(dataset=dict(fold=3))
