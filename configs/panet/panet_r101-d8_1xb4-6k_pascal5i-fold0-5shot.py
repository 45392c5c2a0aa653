_base_ = './panet_r101-d8_1xb4-6k_pascal5i-fold0-1shot.py'

train_dataloader = dict(dataset=dict(num_shots=5))
val_dataloader = dict(dataset=dict(num_shots=5))
test_dataloader = dict(dataset=dict(num_shots=5))
