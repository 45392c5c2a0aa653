"""Metrics take predictions from a pretended CUDA device, and give the figures of the CPU."""

import json

import numpy as np
import pytest
import torch
from helpers.pretended_cuda import pretended_cuda
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from pycocotools import mask as mask_api

from mmfewshot_seg.registry import METRICS
from mmfewshot_seg.structures import Episode

SIDE = 40
CLASSES = ('cat', 'dog', 'boat')


def _masks() -> torch.Tensor:
    """(3, H, W) squares."""
    masks = torch.zeros(3, SIDE, SIDE, dtype=torch.bool)
    for number, mask in enumerate(masks):
        mask[5 + number : 30, 4 : 20 + 5 * number] = True
    return masks


def _annotations(path) -> str:
    annotations = []
    for number, mask in enumerate(_masks().numpy(), start=1):
        rle = mask_api.encode(np.asfortranarray(mask, np.uint8))
        box, area = mask_api.toBbox(rle).tolist(), int(mask_api.area(rle))
        rle = dict(rle, counts=rle['counts'].decode())
        ids = dict(id=number, image_id=1, category_id=number, iscrowd=0)
        annotations.append(dict(ids, bbox=box, area=area, segmentation=rle))
    categories = [dict(id=i, name=name) for i, name in enumerate(CLASSES, start=1)]
    images = [dict(id=1, height=SIDE, width=SIDE, file_name='1.jpg')]
    path.write_text(json.dumps(dict(images=images, categories=categories, annotations=annotations)))
    return str(path)


def _detections(device: str):
    from mmdet.structures import DetDataSample

    found = InstanceData(
        masks=_masks().roll(2, 1).to(device),
        bboxes=torch.tensor([[4.0, 7, 20, 32], [4, 8, 25, 32], [4, 9, 30, 32]], device=device),
        scores=torch.tensor([0.9, 0.8, 0.7], device=device),
        labels=torch.arange(3, device=device),
    )
    metainfo = dict(img_id=1, ori_shape=(SIDE, SIDE))
    return DetDataSample(metainfo=metainfo, pred_instances=found)


def _labels(device: str) -> SegDataSample:
    pred, truth = _masks().roll(2, 1).sum(0, keepdim=True), _masks().sum(0, keepdim=True)
    return SegDataSample(
        pred_sem_seg=PixelData(data=pred.clamp(max=2).to(device)),
        gt_sem_seg=PixelData(data=truth.clamp(max=2).to(device)),
    )


def _episode(device: str) -> Episode:
    masks = _masks().long()
    return Episode(
        metainfo=dict(run=0, index=0, class_ids=(1,)),
        query_masks=masks[:1].to(device),
        pred_masks=masks[1:2].to(device),
    )


def _presence(device: str) -> Episode:
    return Episode(
        metainfo=dict(run=0, index=0, class_ids=(1, 2)),
        query_masks=_masks()[:1].long().to(device),
        presence=torch.tensor([[0.75, 0.5]], device=device),
    )


SPLIT = dict(seen_classes=CLASSES[:2], unseen_classes=CLASSES[2:], mode='generalized')
EPISODES = dict(novel_classes=('dog',), protocol='panet', num_ways=1, num_shots=1, num_runs=1)
TRIED = {
    'FewShotIoUMetric': (_episode, EPISODES | dict(num_episodes=1, seed=0, eval_at='network')),
    'PresenceMetric': (_presence, dict(num_ways=2)),
    'BoundaryFMetric': (_labels, {}),
    'BoundaryCocoMetric': (_detections, {}),
    'ZeroShotCocoMetric': (_detections, SPLIT),
}


@pytest.mark.parametrize('name', TRIED)
def test_figures(name, tmp_path) -> None:
    make, meta = TRIED[name]
    options = dict(ann_file=_annotations(tmp_path / 'a.json')) if 'Coco' in name else {}

    def figures(device: str) -> dict:
        metric = METRICS.build(dict(type=f'mmfewshot_seg.{name}', **options))
        metric.dataset_meta = dict(classes=CLASSES, **meta)
        metric.process({}, [make(device).to_dict()])
        return metric.evaluate(size=1)

    expected = figures('cpu')
    with pretended_cuda():
        found = figures('cuda')
    np.testing.assert_equal(found, expected)
    assert np.isfinite(list(expected.values())).any()
