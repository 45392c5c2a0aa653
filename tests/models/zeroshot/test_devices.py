"""Zero-shot detectors on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import numpy as np
import torch
from helpers.device_tests import DeviceTests
from helpers.zeroshot_configs import (
    SEEN,
    bbox_head,
    box_detector,
    classes,
    detector,
    mask_head,
    roi_head,
    rpn_head,
    vectors,
)
from mmdet.testing import demo_mm_inputs
from mmengine.structures import InstanceData
from torch import nn

from mmfewshot_seg.registry import MODELS

CONFIGS = {
    'masks': detector,
    'boxes': box_detector,
    'no_vocabulary': lambda mode='seen': detector(mode, classes=classes(vocabulary=None)),
    'paper': lambda mode='seen': detector(
        mode,
        roi_head(bbox_head=bbox_head(reg_class_agnostic=True), mask_head=mask_head(num_convs=4)),
        rpn_head=rpn_head(background_grad=True),
    ),
}


def _model(name: str, device: str, mode: str = 'seen') -> nn.Module:
    torch.manual_seed(0)
    np.random.seed(0)
    model = MODELS.build(CONFIGS[name](mode))
    model.init_weights()
    model.roi_head.test_cfg.mask_thr_binary = -1  # probabilities, as bytes
    return model.to(device)


def _numbers(found: InstanceData) -> list[torch.Tensor]:
    """Of a box without extent mmdet fills the whole image on CUDA, on the CPU its place alone."""
    extents = found.bboxes[:, 2:] - found.bboxes[:, :2]
    masks = [found.masks[(extents > 0.1).all(1)] / 255] if 'masks' in found else []
    return [found.scores, found.labels, found.bboxes, *masks]


class TestZeroShot(DeviceTests):
    kinds = CONFIGS
    batches = dict(objects={}, empty=dict(num_items=(0, 0)))
    predictions = {mode: dict(mode=mode) for mode in ('seen', 'generalized')}
    close = dict(rtol=1e-4, atol=1e-5)
    close_predictions = dict(rtol=1e-4, atol=1.5 / 255)
    near = {torch.float16: 0.1, torch.bfloat16: 0.1}

    def model(self, kind, device, mode='seen'):
        return _model(kind, device, mode)

    def batch(self, num_items=(3, 2)):
        sizes = [(3, 96, 128), (3, 64, 70)]
        return demo_mm_inputs(2, sizes, num_items=num_items, num_classes=len(SEEN), with_mask=True)

    def predict(self, kind, device, mode):
        """With unseen classes that were set on the device."""
        model = self.model(kind, device, mode).eval()
        if mode != 'seen':
            others = torch.tensor(vectors(2, seed=5)).to(device)
            model.set_classes(('horse', 'truck'), others, mode)
        data = model.data_preprocessor(self.batch())
        found = [sample.pred_instances for sample in model(**data, mode='predict')]
        return [model(**data, mode='tensor')[-1], [_numbers(each) for each in found]]

    def in_precision(self, kind, device):
        losses = self.losses(kind, device)
        return {key: value for key, value in losses.items() if 'loss' in key}
