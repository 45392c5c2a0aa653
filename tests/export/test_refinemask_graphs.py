"""The mask branch of RefineMask, exported, gives the logits of PyTorch."""

import numpy as np
import pytest
import torch
from helpers.graphs import needs_exporter
from helpers.refinemask_configs import detector, roi_head, simple_mask_head
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from mmfewshot_seg.compat import ops_error

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytestmark = pytest.mark.skipif(ops_error() is not None, reason="mmcv's ops are not compiled")
HEADS = dict(published=roi_head(), simple=roi_head(mask_head=simple_mask_head()))


@needs_exporter
@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize('name', HEADS)
def test_masks_of_an_image_are_those_of_pytorch(name, tmp_path) -> None:
    from mmfewshot_seg.export.refinemask_graphs import export_refinemask
    from mmfewshot_seg.runtime import OnnxGraph

    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(detector(HEADS[name])).eval()
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(96, 64), keep_ratio=True),
    ]
    cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    export_refinemask(model, cfg, tmp_path, dict(model=name, classes=['a']), None)

    features, masks = (OnnxGraph(tmp_path / f'{part}.onnx') for part in ('features', 'masks'))
    assert features.meta['steps'][-1] == dict(type='pad', size=None, divisor=32, value=0)
    image = torch.randn(1, 3, 96, 160)
    boxes = torch.tensor([[3.0, 5, 20, 30], [0, 0, 159, 95], [70, 20, 90, 24], [10, 8, 60, 90]])
    labels = torch.tensor([1, 0, 3, 2])
    levels = features(image=image.numpy())
    found = masks(boxes=boxes.numpy(), labels=labels.numpy(), **levels)['logits']
    rois = torch.cat([torch.zeros(4, 1), boxes], 1)
    expected = model.roi_head.mask_logits(model.extract_feat(image), rois, labels)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3 * expected.abs().max().item())
