# The small network with the mask branch of RefineMask; its detector is that of its base.
_base_ = './mask-rcnn_r18_fpn.py'

channels = 64
model = dict(
    roi_head=dict(
        type='mmfewshot_seg.RefineRoIHead',
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.RefineMaskHead',
            num_classes=80,
            in_channels=channels,
            instance_channels=channels,
            semantic_channels=channels,
        ),
    )
)
