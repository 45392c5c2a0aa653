_base_ = './panet_vgg16_1xb1-30k_coco20i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
test_dataloader = dict(dataset=dict(fold=3))
