# Small network that learns from scratch: ResNet-18, stages 1 to 3, signed features.
_base_ = './panet_vgg16.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmfewshot_seg.SignedResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(2,),
    ),
)
