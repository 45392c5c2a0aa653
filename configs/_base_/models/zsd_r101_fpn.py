# Boxes alone: no mask branch.
_base_ = './zsi_r101_fpn.py'

model = dict(
    type='mmfewshot_seg.ZeroShotFasterRCNN',
    data_preprocessor=dict(pad_mask=False),
    roi_head=dict(mask_roi_extractor=None, mask_head=None),
)
