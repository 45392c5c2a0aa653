# Episodes from COCO-format data of your own at 224 x 224 pixels. Where it lies is told by the
# environment variable OWN_COCO: annotations/instances_train.json, annotations/instances_val.json,
# train/, val/, and novel.txt with the names of the classes to test, one per line; all others are
# trained on. Objects below 32 x 32 pixels of the original are not asked for.
_base_ = './class_folder_224.py'

data_root = '{{$OWN_COCO:data/mine}}'
common = dict(
    fold=data_root + '/novel.txt', base_classes=None, protocol=dict(name='panet', min_area=1024)
)
train_source = dict(
    _delete_=True,
    type='mmfewshot_seg.Coco20iSource',
    ann_file=data_root + '/annotations/instances_train.json',
    img_dir=data_root + '/train',
)
val_source = dict(
    _delete_=True,
    type='mmfewshot_seg.Coco20iSource',
    ann_file=data_root + '/annotations/instances_val.json',
    img_dir=data_root + '/val',
)
train_dataloader = dict(dataset=dict(source=train_source, **common))
val_dataloader = dict(dataset=dict(source=val_source, **common))
test_dataloader = dict(dataset=dict(source=val_source, **common))
