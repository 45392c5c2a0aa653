"""Semantic models on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import torch
from helpers.device_tests import DeviceTests
from helpers.pretended_cuda import same_on_cuda
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import mmfewshot_seg.models  # noqa: F401
from mmfewshot_seg.models.semseg.rowwise_attention import _RowwiseAttention
from mmfewshot_seg.registry import MODELS

CHANNELS = (8, 16, 32, 64)
DANET = dict(type='mmfewshot_seg.DualAttentionHead', in_channels=64, pam_channels=8)
GSCNN = dict(
    type='mmfewshot_seg.GatedSCNNHead',
    in_channels=CHANNELS,
    shape_channels=(8, 4, 4, 2),
    skip_channels=4,
    aspp_channels=4,
    dilations=(1, 2),
)
JPU = dict(type='mmfewshot_seg.JointPyramidUpsampling', in_channels=CHANNELS, mid_channels=8)
STAGED = dict(
    type='mmfewshot_seg.StagedPyramidUpsampling',
    in_channels=CHANNELS,
    mid_channels=32,
    branch_norm_cfg=dict(type='GN', num_groups=4),
)
PLAIN_LOSSES = dict(
    loss_decode=[
        dict(type='mmfewshot_seg.PerImageWeightedCrossEntropy', batch_weighting=True),
        dict(type='mmfewshot_seg.DualTaskLoss', spatial=False, threshold=0.1),
    ],
    loss_edge=dict(type='mmfewshot_seg.BalancedEdgeLoss', double_sigmoid=True),
    loss_attention=None,
)
FCN = dict(type='mmseg.FCNHead', in_channels=32, num_convs=1, concat_input=False)
MODELS_TRIED = dict(
    danet=dict(decode_head=DANET),
    danet_rows=dict(decode_head=DANET | dict(pam_channels=3)),
    gscnn=dict(decode_head=GSCNN),
    gscnn_official=dict(decode_head=GSCNN | PLAIN_LOSSES, gradient='official'),
    jpu=dict(neck=JPU | dict(out='fused'), decode_head=FCN),
    staged=dict(neck=STAGED | dict(out='fused'), decode_head=FCN | dict(in_channels=128)),
)
SIZES = (64, 90), (60, 96)


def _model(name: str, device: str) -> torch.nn.Module:
    torch.manual_seed(0)
    parts = dict(MODELS_TRIED[name])
    model = dict(
        type='mmfewshot_seg.GatedSCNN' if 'gscnn' in name else 'mmseg.EncoderDecoder',
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[127.5] * 3,
            std=[127.5] * 3,
            bgr_to_rgb=True,
            size_divisor=8,
        ),
        backbone=dict(type='mmseg.ResNet', depth=18, base_channels=8, stem_channels=8),
        test_cfg=dict(mode='whole'),
        **parts | dict(decode_head=dict(channels=8, num_classes=3) | parts['decode_head']),
    )
    return MODELS.build(ConfigDict(model)).to(device)


def _batch(sizes: tuple, ignored: bool = False) -> dict:
    samples, images = [], []
    for size in sizes:
        label = torch.randint(0, 3, (1, *size))
        label[:, :9] = 255
        if ignored:
            label.fill_(255)
        meta = dict(img_shape=size, ori_shape=size)
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta))
        images.append(torch.randint(256, (3, *size), dtype=torch.uint8))
    return dict(inputs=images, data_samples=samples)


class TestSemantic(DeviceTests):
    kinds = MODELS_TRIED
    batches = dict(labelled={}, ignored=dict(ignored=True))
    close = dict(rtol=1e-4, atol=1e-5)
    # The check of labels, once a loss, counts of classes, edges of the image, there and back.
    waits = dict(danet=1, danet_rows=1, gscnn=9, gscnn_official=6)

    def model(self, kind, device):
        return _model(kind, device)

    def batch(self, ignored=False):
        return _batch(SIZES, ignored)

    def predict(self, kind, device):
        model = self.model(kind, device).eval()
        data = model.data_preprocessor(_batch(SIZES[:1] * 2))
        logits = model(**data, mode='tensor')
        model.test_cfg = ConfigDict(mode='slide', crop_size=(32, 48), stride=(24, 32))
        return [logits, [each.seg_logits.data for each in model(**data, mode='predict')]]


def test_rows_of_the_attention_and_their_gradients() -> None:
    """The gradients by hand: PyTorch's engine needs a device."""

    def run(device: str) -> tuple:
        shapes = ((2, 3, 300), (2, 3, 300), (2, 5, 300))
        query, key, value = (torch.randn(shape).to(device) for shape in shapes)
        context = torch.autograd.function.FunctionCtx()
        context.save_for_backward = lambda *tensors: setattr(context, 'saved', tensors)
        output = _RowwiseAttention.forward(context, query, key, value)
        context = type('Context', (), dict(saved_tensors=context.saved))
        gradients = _RowwiseAttention.backward.__wrapped__(context, torch.ones_like(output))
        return output, gradients

    same_on_cuda(run)
