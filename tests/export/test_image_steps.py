"""Transforms that have no counterpart without PyTorch are refused."""

import pytest
from mmengine.config import ConfigDict

from mmfewshot_seg.export.image_steps import constant_size, image_meta, pipeline_of_test
from mmfewshot_seg.models.fewshot import EpisodeDataPreProcessor

LOAD = dict(type='LoadImageFromFile')


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='RandomFlip', prob=0.5), 'the transform RandomFlip has no counterpart'),
        (dict(type='Resize', scale=4, backend='pillow'), "Resize with backend='pillow'"),
        (dict(type='mmseg.Resize', scale=4, interpolation='area'), "interpolation='area'"),
        (dict(type='Resize', scale_factor=2.0), 'Resize cannot be exported with these options'),
        (dict(type='Pad', pad_to_square=True), 'Pad cannot be exported with these options'),
        (dict(type='Pad', size=(4, 4), pad_val=dict(seg=0)), 'pad_val of labels is 0'),
    ],
)
def test_transforms_that_are_refused(transform, message) -> None:
    with pytest.raises(ValueError, match=message):
        image_meta([LOAD, transform], EpisodeDataPreProcessor())


@pytest.mark.parametrize(
    ('transforms', 'size'),
    [
        ([dict(type='Resize', scale=(40, 30), keep_ratio=False)], (30, 40)),
        ([dict(type='Resize', scale=(40, 30), keep_ratio=True)], None),
        ([dict(type='ResizeLongSide', long_side=64), dict(type='Pad', size=(65, 65))], (65, 65)),
        ([], None),
    ],
)
def test_size_that_all_images_are_brought_to(transforms, size) -> None:
    meta = image_meta([LOAD, *transforms], EpisodeDataPreProcessor())
    assert constant_size(meta) == size


def test_pipeline_of_a_wrapped_data_set() -> None:
    inner = dict(pipeline=[LOAD])
    cfg = ConfigDict(test_dataloader=dict(dataset=dict(type='Repeat', dataset=inner)))
    assert pipeline_of_test(cfg) == [LOAD]
    with pytest.raises(ValueError, match='it needs test_dataloader.dataset.pipeline'):
        pipeline_of_test(ConfigDict())
