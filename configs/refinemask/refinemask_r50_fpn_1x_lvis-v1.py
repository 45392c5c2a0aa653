_base_ = [
    '../_base_/models/refinemask_r50_fpn.py',
    '../_base_/datasets/lvis_v1_instance.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/default_runtime_det.py',
]

num_classes = 1203
model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=num_classes),
        mask_head=dict(
            num_classes=num_classes, stage_num_classes=[num_classes, num_classes, num_classes, 1]
        ),
    ),
    test_cfg=dict(rcnn=dict(score_thr=1e-4, max_per_img=300)),
)
tta_model = dict(tta_cfg=dict(max_per_img=300))
