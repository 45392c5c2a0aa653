# COCO 2014, trained on 48 seen classes, tested on 17 unseen ones. The annotation files are made by
#   python tools/prepare_zeroshot_coco.py coco_48_17 \
#       --train data/coco/annotations/instances_train2014.json \
#       --test data/coco/annotations/instances_val2014.json
_base_ = './coco_instance.py'

data_root = 'data/coco/'
test_file = 'annotations/instances_val2014_unseen_48_17.json'
classes = dict(  # of the model
    split='coco_48_17',
    word_vectors=data_root + 'word_w2v_withbg_48_17.txt',
    vocabulary=data_root + 'vocabulary_w2v.txt',
)
tta_pipeline = None  # what merges views of masks is for RefineMask alone
dataset = dict(type='mmfewshot_seg.ZeroShotCocoDataset', split='coco_48_17')
train_dataloader = dict(
    dataset=dict(
        **dataset,
        mode='seen',
        ann_file='annotations/instances_train2014_seen_48_17.json',
        data_prefix=dict(img='train2014/'),
    )
)
val_dataloader = dict(
    dataset=dict(**dataset, mode='unseen', ann_file=test_file, data_prefix=dict(img='val2014/'))
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='mmfewshot_seg.ZeroShotCocoMetric', ann_file=data_root + test_file, metric=['bbox', 'segm']
)
test_evaluator = val_evaluator
