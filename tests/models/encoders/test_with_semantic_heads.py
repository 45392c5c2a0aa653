"""A convolutional network of timm under the semantic necks and heads."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import mmfewshot_seg.models  # noqa: F401
from mmfewshot_seg.registry import MODELS

SIZE = (64, 96)
CHANNELS = (24, 32, 48, 64)
HEADS = dict(
    jpu=dict(type='mmseg.FCNHead', in_channels=32, num_convs=1, concat_input=False),
    danet=dict(type='mmfewshot_seg.DualAttentionHead', in_channels=64, pam_channels=2),
    gscnn=dict(
        type='mmfewshot_seg.GatedSCNNHead',
        in_channels=CHANNELS,
        shape_channels=(8, 4, 4, 2),
        skip_channels=4,
        aspp_channels=4,
        dilations=(1, 2),
    ),
)
NECKS = dict(
    jpu=dict(
        type='mmfewshot_seg.JointPyramidUpsampling',
        in_channels=CHANNELS,
        mid_channels=8,
        start_level=1,
        norm_cfg=dict(type='BN'),
    )
)


def _model(name: str) -> torch.nn.Module:
    """A segmentor, its encoder undilated under the neck and at stride 16 under the others."""
    torch.manual_seed(0)
    model = dict(
        type='mmfewshot_seg.GatedSCNN' if name == 'gscnn' else 'mmseg.EncoderDecoder',
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[127.5] * 3,
            std=[127.5] * 3,
            bgr_to_rgb=True,
            size_divisor=8,
        ),
        backbone=dict(
            type='mmfewshot_seg.TimmEncoder',
            model_name='test_efficientnet',
            out_indices=(1, 2, 3, 4),
            output_stride=32 if name == 'jpu' else 16,
            frozen_stages=1,
            norm_eval=True,
        ),
        decode_head=dict(channels=8, num_classes=3, **HEADS[name]),
        test_cfg=dict(mode='whole'),
    )
    if name in NECKS:
        model['neck'] = NECKS[name]
    return MODELS.build(ConfigDict(model))


def _batch() -> dict:
    samples = []
    for _ in range(2):
        label = torch.zeros(1, *SIZE, dtype=torch.int64)
        label[:, 16:48, 16:48] = 1
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo(dict(img_shape=SIZE, ori_shape=SIZE))
        samples.append(sample)
    images = torch.randint(256, (2, 3, *SIZE), dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


@pytest.mark.parametrize('name', HEADS)
def test_losses_reach_all_that_is_not_frozen(name) -> None:
    model = _model(name).train()
    losses = model(**model.data_preprocessor(_batch(), training=True), mode='loss')
    model.parse_losses(losses)[0].backward()
    parameters = dict(model.named_parameters())
    reached = {key for key, value in parameters.items() if value.grad is not None}
    assert reached == {key for key, value in parameters.items() if value.requires_grad}
    frozen = ('conv_stem', 'bn1', 'blocks.0', 'blocks.1')
    assert parameters.keys() - reached == {
        key for key in parameters if key.startswith(tuple(f'backbone.net.{f}.' for f in frozen))
    }


@pytest.mark.parametrize('name', HEADS)
def test_predictions_have_the_size_of_the_image(name) -> None:
    model = _model(name).eval()
    with torch.no_grad():
        found = model(**model.data_preprocessor(_batch()), mode='predict')
    for sample in found:
        logits = sample.seg_logits.data
        assert logits.shape == (3, *SIZE) and logits.isfinite().all()
