# The drawn data set, whose classes are known by their attributes:
#   python tools/draw_dataset.py data/drawn --train-classes seen --max-objects 2
#   python tools/prepare_zeroshot_coco.py \
#       --seen data/drawn/seen.txt --unseen data/drawn/unseen.txt \
#       --train data/drawn/annotations/instances_train.json \
#       --test data/drawn/annotations/instances_test.json
# Where it lies is told by the environment variable DRAWN_DATA.
_base_ = './drawn_instance.py'

data_root = '{{$DRAWN_DATA:data/drawn}}/'
split = dict(seen=data_root + 'seen.txt', unseen=data_root + 'unseen.txt')
word_vectors = data_root + 'attributes.txt'
tta_pipeline = None  # what merges views of masks is for RefineMask alone
dataset = dict(type='mmfewshot_seg.ZeroShotCocoDataset', split=split, metainfo=None)
train_dataloader = dict(
    dataset=dict(**dataset, mode='seen', ann_file='annotations/instances_train_seen.json')
)
test_dataloader = dict(
    dataset=dict(**dataset, mode='unseen', ann_file='annotations/instances_test_unseen.json')
)
test_evaluator = dict(
    type='mmfewshot_seg.ZeroShotCocoMetric',
    ann_file=data_root + 'annotations/instances_test_unseen.json',
    metric=['bbox', 'segm'],
)
