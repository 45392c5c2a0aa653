# The twin of mask-rcnn_r18_fpn_1xb4-1k_drawn.py: only the mask branch differs.
_base_ = './mask-rcnn_r18_fpn_1xb4-1k_drawn.py'

channels = 64
model = dict(
    roi_head=dict(
        type='mmfewshot_seg.RefineRoIHead',
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.RefineMaskHead',
            num_classes=1,
            in_channels=channels,
            instance_channels=channels,
            semantic_channels=channels,
        ),
    )
)
