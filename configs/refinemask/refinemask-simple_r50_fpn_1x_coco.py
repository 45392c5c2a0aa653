# The later variant of the authors, "faster and slightly better".
_base_ = './refinemask_r50_fpn_1x_coco.py'

model = dict(
    roi_head=dict(
        mask_head=dict(
            _delete_=True,
            type='mmfewshot_seg.SimpleRefineMaskHead',
            num_classes=80,
            stage_num_classes=[80, 80, 80, 1],
        )
    )
)
