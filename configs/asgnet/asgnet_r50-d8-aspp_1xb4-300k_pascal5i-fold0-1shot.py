_base_ = './asgnet_r50-d8_1xb4-300k_pascal5i-fold0-1shot.py'

model = dict(
    backbone=dict(out_indices=(0, 1, 2)),
    decode_head=dict(
        in_index=(1, 2),
        decoder=dict(
            _delete_=True,
            type='mmfewshot_seg.ASPPDecoder',
            low_level_index=0,
            low_level_channels=256,
        ),
    ),
)
