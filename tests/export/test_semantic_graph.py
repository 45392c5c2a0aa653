"""Semantic networks, exported, give the labels of PyTorch."""

import numpy as np
import pytest
import torch
from helpers.graphs import needs_exporter
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import MODELS, init_default_scope

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
from mmfewshot_seg.command import UsageError  # noqa: E402
from mmfewshot_seg.export.semantic_graph import export_semantic  # noqa: E402
from mmfewshot_seg.runtime import OnnxSemanticInferencer  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)


def resnet(**options) -> dict:
    return dict(
        type='mmseg.ResNet',
        depth=18,
        base_channels=8,
        stem_channels=8,
        dilations=(1, 1, 1, 1),
        strides=(1, 2, 2, 2),
        out_indices=(1, 2, 3),
        norm_cfg=dict(type='BN'),
        **options,
    )


def config(head: dict, kind: str = 'mmseg.EncoderDecoder', **model) -> Config:
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    parts = dict(
        type=kind,
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[123.7, 116.3, 103.5],
            std=[58.4, 57.1, 57.4],
            bgr_to_rgb=True,
        ),
        backbone=resnet(),
        decode_head=dict(dict(num_classes=4, channels=16, norm_cfg=dict(type='BN')), **head),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )
    return Config(dict(model=parts | model, test_dataloader=dict(dataset=dict(pipeline=pipeline))))


NECK = dict(
    type='mmfewshot_seg.JointPyramidUpsampling',
    in_channels=(16, 32, 64),
    mid_channels=8,
    out='append',
)
MODELS_BY_NAME = dict(
    danet=config(
        dict(type='mmfewshot_seg.DualAttentionHead', in_channels=64, in_index=2, align_corners=True)
    ),
    jpu_fcn=config(
        dict(type='mmseg.FCNHead', in_channels=32, in_index=2, num_convs=1, concat_input=False),
        neck=NECK,
    ),
    jpu_enc=config(
        dict(
            type='mmseg.EncHead',
            in_channels=(16, 32, 32),
            in_index=(0, 1, 2),
            num_codes=4,
            use_se_loss=True,
            add_lateral=False,
            loss_se_decode=dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True),
        ),
        neck=NECK,
    ),
    gscnn=config(
        dict(
            type='mmfewshot_seg.GatedSCNNHead',
            in_channels=(8, 16, 32, 64),
            in_index=(0, 1, 2, 3),
            shape_channels=(8, 8, 4, 4),
            skip_channels=4,
            aspp_channels=8,
            dilations=(1, 2),
        ),
        kind='mmfewshot_seg.GatedSCNN',
        backbone=dict(resnet(), out_indices=(0, 1, 2, 3)),
    ),
    slide=config(
        dict(type='mmseg.FCNHead', in_channels=64, in_index=2, num_convs=1),
        test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(40, 48)),
    ),
    binary=config(
        dict(
            type='mmseg.FCNHead',
            in_channels=64,
            in_index=2,
            num_convs=1,
            num_classes=2,
            out_channels=1,
            threshold=0.4,
        ),
    ),
)
FREE = ('danet', 'jpu_fcn', 'gscnn', 'binary')
"""Those whose graphs serve any size, of which multiples of 32 at least."""


def build(cfg: Config):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MODELS.build(cfg.model).eval()


def predicted_by_pytorch(cfg: Config, model):
    packed = Compose(
        [dict(type='mmseg.InferencerLoader'), *cfg.test_dataloader.dataset.pipeline[1:]]
    )(IMAGE)
    data = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    return model.test_step(data)[0]


@needs_exporter
@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize('name', MODELS_BY_NAME)
def test_labels_are_those_of_pytorch(name, tmp_path) -> None:
    cfg = MODELS_BY_NAME[name]
    model = build(cfg)
    expected = predicted_by_pytorch(cfg, model)
    meta = dict(model=name, classes=['a', 'b'])
    size = None if name in (*FREE, 'slide') else IMAGE.shape[:2]
    graphs = export_semantic(build(cfg), cfg, tmp_path, meta, size)
    if name in FREE:
        assert graphs['model'].size is None and graphs['model'].size_divisor <= 32
    result = OnnxSemanticInferencer(tmp_path, threads=1)(IMAGE)
    logits = expected.seg_logits.data
    scores = logits if name == 'binary' else logits.softmax(0)
    np.testing.assert_allclose(result['scores'], scores.numpy(), atol=1e-3)
    differ = result['label_map'] != expected.pred_sem_seg.data[0].numpy()
    assert differ.mean() < 1e-3
    if name == 'gscnn':
        np.testing.assert_allclose(result['edges'], expected.pred_edges.data[0].numpy(), atol=1e-3)


def test_heads_with_predictions_of_their_own_are_refused(tmp_path) -> None:
    cfg = MODELS_BY_NAME['danet']
    model = build(cfg)
    model.decode_head.__class__ = type(
        'OwnHead', (type(model.decode_head),), dict(predict_by_feat=lambda self, *args: None)
    )
    with pytest.raises(ValueError, match='OwnHead makes its predictions in a way of its own'):
        export_semantic(model, cfg, tmp_path, {}, None)


def test_padding_of_the_preprocessor_is_refused(tmp_path) -> None:
    cfg = config(dict(type='mmseg.FCNHead', in_channels=64, in_index=2))
    cfg.model.data_preprocessor.test_cfg = dict(size_divisor=32)
    with pytest.raises(ValueError, match='data_preprocessor.test_cfg is not exported'):
        export_semantic(build(cfg), cfg, tmp_path, {}, None)


@needs_exporter
@pytest.mark.slow
@torch.no_grad()
def test_network_of_one_size_wants_to_be_told_it(tmp_path) -> None:
    cfg = MODELS_BY_NAME['danet'].copy()
    cfg.model.decode_head = dict(
        type='mmseg.PSPHead', in_channels=64, in_index=2, channels=8, num_classes=4
    )
    with pytest.raises(UsageError, match='serves one size: give --size HEIGHT WIDTH'):
        export_semantic(build(cfg), cfg, tmp_path, {}, None)
    assert list(tmp_path.iterdir()) == []
