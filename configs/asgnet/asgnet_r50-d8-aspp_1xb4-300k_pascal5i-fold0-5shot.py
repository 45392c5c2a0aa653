_base_ = './asgnet_r50-d8-aspp_1xb4-300k_pascal5i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(num_shots=5))
val_dataloader = dict(dataset=dict(num_shots=5))
test_dataloader = dict(dataset=dict(num_shots=5))
