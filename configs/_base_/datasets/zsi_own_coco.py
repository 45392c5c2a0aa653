# COCO-format data of your own, in the folder of the environment variable OWN_COCO:
#   train/, val/                                                  images
#   annotations/instances_train.json, instances_val.json          objects of all classes
#   seen.txt, unseen.txt                                          one class name per line
#   word_vectors.txt                                              see docs/zero_shot.md
# The annotation files of training and tests are made by
#   python tools/prepare_zeroshot_coco.py --seen seen.txt --unseen unseen.txt \
#       --train annotations/instances_train.json --test annotations/instances_val.json
_base_ = './own_coco.py'

data_root = '{{$OWN_COCO:data/mine}}/'
split = dict(seen=data_root + 'seen.txt', unseen=data_root + 'unseen.txt')
word_vectors = data_root + 'word_vectors.txt'
tta_pipeline = None  # what merges views of masks is for RefineMask alone
dataset = dict(
    type='mmfewshot_seg.ZeroShotCocoDataset', split=split, metainfo=None, check_images=True
)
train_dataloader = dict(
    dataset=dict(**dataset, mode='seen', ann_file='annotations/instances_train_seen.json')
)
val_dataloader = dict(
    dataset=dict(**dataset, mode='unseen', ann_file='annotations/instances_val_unseen.json')
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='mmfewshot_seg.ZeroShotCocoMetric',
    ann_file=data_root + 'annotations/instances_val_unseen.json',
    metric=['bbox', 'segm'],
)
test_evaluator = val_evaluator
