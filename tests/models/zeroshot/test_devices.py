"""Zero-shot detectors on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import numpy as np
import pytest
import torch
from helpers.mixed_precision import each_precision, largest_difference
from helpers.pretended_cuda import pretended_cuda, same_on_cuda
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
each_detector = pytest.mark.parametrize('name', CONFIGS)


def _model(name: str, device: str, mode: str = 'seen') -> nn.Module:
    torch.manual_seed(0)
    np.random.seed(0)
    model = MODELS.build(CONFIGS[name](mode))
    model.init_weights()
    model.roi_head.test_cfg.mask_thr_binary = -1  # probabilities, as bytes
    return model.to(device)


def _batch(num_items: tuple = (3, 2)) -> dict:
    return demo_mm_inputs(
        2, [(3, 96, 128), (3, 64, 70)], num_items=num_items, num_classes=len(SEEN), with_mask=True
    )


def _numbers(found: InstanceData) -> list[torch.Tensor]:
    """Of a box without extent mmdet fills the whole image on CUDA, on the CPU its place alone."""
    extents = found.bboxes[:, 2:] - found.bboxes[:, :2]
    masks = [found.masks[(extents > 0.1).all(1)] / 255] if 'masks' in found else []
    return [found.scores, found.labels, found.bboxes, *masks]


@each_detector
@pytest.mark.parametrize('num_items', [(3, 2), (0, 0)])
def test_losses(name, num_items) -> None:
    def run(device: str) -> dict:
        model = _model(name, device).train()
        return model(**model.data_preprocessor(_batch(num_items), training=True), mode='loss')

    same_on_cuda(run, rtol=1e-4, atol=1e-5)


@each_detector
@pytest.mark.parametrize('mode', ['seen', 'generalized'])
@torch.no_grad()
def test_predictions_and_logits(name, mode) -> None:
    """With unseen classes that were set on the device."""

    def run(device: str) -> list:
        model = _model(name, device, mode).eval()
        if mode != 'seen':
            others = torch.tensor(vectors(2, seed=5)).to(device)
            model.set_classes(('horse', 'truck'), others, mode)
        data = model.data_preprocessor(_batch())
        found = [sample.pred_instances for sample in model(**data, mode='predict')]
        return [
            model(**data, mode='tensor')[-1],
            [_numbers(each) for each in found],
        ]

    same_on_cuda(run, rtol=1e-4, atol=1.5 / 255)


@each_detector
def test_waits_of_a_training_step(name) -> None:
    """None is ours; the host's, of proposals and samplers, are many."""
    with pretended_cuda() as cuda:
        model = _model(name, 'cuda').train()
        data = model.data_preprocessor(_batch(), training=True)
        cuda.waits.clear()
        model(**data, mode='loss')
    print(cuda.waits)
    assert not [line for line in cuda.waits if line.startswith('mmfewshot_seg')]


@each_detector
@each_precision
def test_mixed_precision_of_losses(name, device, dtype) -> None:
    def run(device: str) -> dict:
        model = _model(name, device).train()
        losses = model(**model.data_preprocessor(_batch(), training=True), mode='loss')
        return {key: value for key, value in losses.items() if 'loss' in key}

    found = largest_difference(run, device, dtype)
    print(found)
    assert found < 0.1
