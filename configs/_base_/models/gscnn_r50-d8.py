# ResNet-50 at stride 8: edges are sought in stage 1, gated by stages 2 to 4.
_base_ = './resnet-d8.py'
model = dict(
    type='mmfewshot_seg.GatedSCNN',
    decode_head=dict(type='mmfewshot_seg.GatedSCNNHead', num_classes=19, norm_cfg=_base_.norm_cfg),
)
