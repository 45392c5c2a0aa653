# COCO 2014, trained on 65 seen classes, tested on 15 unseen ones. The annotation files are made by
#   python tools/prepare_zeroshot_coco.py coco_65_15 \
#       --train data/coco/annotations/instances_train2014.json \
#       --test data/coco/annotations/instances_val2014.json
_base_ = './zsi_coco_48_17.py'

data_root = 'data/coco/'
test_file = 'annotations/instances_val2014_unseen_65_15.json'
classes = dict(split='coco_65_15', word_vectors=data_root + 'word_w2v_withbg_65_15.txt')
train_dataloader = dict(
    dataset=dict(split='coco_65_15', ann_file='annotations/instances_train2014_seen_65_15.json')
)
val_dataloader = dict(dataset=dict(split='coco_65_15', ann_file=test_file))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + test_file)
test_evaluator = val_evaluator
