# COCO-format data of your own, in the folder of the environment variable OWN_COCO. Better than
# from ImageNet it starts from a model of COCO: --cfg-options load_from=CHECKPOINT; of such a file
# only the layers that depend on the number of classes are left out.
_base_ = [
    '../_base_/models/refinemask_r50_fpn.py',
    '../_base_/datasets/own_coco.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/default_runtime_det.py',
]

model = dict(
    roi_head=dict(
        bbox_head=dict(num_classes=_base_.num_classes),
        mask_head=dict(num_classes=_base_.num_classes),
    )
)
