_base_ = './panet_vgg16_1xb1-30k_pascal5i-fold0-5shot.py'

train_dataloader = dict(dataset=dict(num_ways=2))
val_dataloader = dict(dataset=dict(num_ways=2))
test_dataloader = dict(dataset=dict(num_ways=2))
