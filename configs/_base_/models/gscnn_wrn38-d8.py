# The published network, trained with the losses of the released program. The checkpoint is the
# ImageNet file of WideResNet-38 after
# `python tools/convert_checkpoint.py gscnn wider_resnet38.pth.tar checkpoints/wider_resnet38.pth`.
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='mmfewshot_seg.GatedSCNN',
    gradient='official',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=8,
    ),
    backbone=dict(
        type='mmfewshot_seg.WideResNet38',
        norm_cfg=norm_cfg,
        init_cfg=dict(
            type='Pretrained', checkpoint='checkpoints/wider_resnet38.pth', prefix='backbone.'
        ),
    ),
    decode_head=dict(
        type='mmfewshot_seg.GatedSCNNHead',
        in_channels=[64, 128, 256, 512, 4096],
        in_index=[0, 1, 2, 3, 4],
        skip_index=1,
        gate_indices=[2, 3, 4],
        shape_stride=1,
        num_classes=19,
        norm_cfg=norm_cfg,
        loss_decode=[
            dict(type='mmfewshot_seg.PerImageWeightedCrossEntropy'),
            dict(type='mmfewshot_seg.DualTaskLoss', spatial=False),
        ],
        loss_edge=dict(type='mmfewshot_seg.BalancedEdgeLoss', double_sigmoid=True),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
