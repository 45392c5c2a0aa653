# COCO-20i as PANet uses it: train2014 for training and testing, folds of consecutive categories.
_base_ = './pascal_5i.py'

source = dict(
    _delete_=True,
    type='mmfewshot_seg.Coco20iSource',
    ann_file='data/coco/annotations/instances_train2014.json',
    img_dir='data/coco/train2014',
)
train_dataloader = dict(dataset=dict(source=source))
val_dataloader = dict(dataset=dict(source=source))
test_dataloader = dict(dataset=dict(source=source))
