_base_ = './panet_vgg16_1xb1-30k_pascal5i-fold0-2way-1shot.py'

train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
