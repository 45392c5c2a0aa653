# COCO-20i for the residual variant: 4000 test episodes.
_base_ = './pascal_5i_473.py'

source = dict(
    _delete_=True,
    type='mmfewshot_seg.Coco20iSource',
    ann_file='data/coco/annotations/instances_train2014.json',
    img_dir='data/coco/train2014',
)
protocol = dict(num_episodes=4000)
train_dataloader = dict(dataset=dict(source=source, protocol=protocol))
val_dataloader = dict(dataset=dict(source=source, protocol=protocol))
test_dataloader = dict(dataset=dict(source=source, protocol=protocol))
