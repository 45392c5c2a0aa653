# The twin of mask-rcnn_lite0_fpn_1xb2-1500_own-coco.py: only the mask branch differs.
_base_ = './mask-rcnn_lite0_fpn_1xb2-1500_own-coco.py'

channels = 64
model = dict(
    roi_head=dict(
        type='mmfewshot_seg.RefineRoIHead',
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.RefineMaskHead',
            num_classes=_base_.num_classes,
            stage_num_classes=(1, 1, 1, 1),
            in_channels=channels,
            instance_channels=channels,
            semantic_channels=channels,
        ),
    )
)
