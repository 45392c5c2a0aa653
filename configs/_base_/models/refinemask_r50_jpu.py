# RefineMask on the same pyramid; its semantic features come from the level of stride 8.
_base_ = './mask-rcnn_r50_jpu.py'

model = dict(
    roi_head=dict(
        type='mmfewshot_seg.RefineRoIHead',
        bbox_head=dict(loss_cls=dict(loss_weight=2.0), loss_bbox=dict(loss_weight=2.0)),
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.RefineMaskHead',
            num_classes=80,
            semantic_out_stride=8,
        ),
    )
)
