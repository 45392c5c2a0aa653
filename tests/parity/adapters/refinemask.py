"""RefineMask: boundary region, mask heads, losses, targets, merge, RoI head, whole detector."""

from types import SimpleNamespace

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from parity.harness import Case
from parity.reference import reference_image
from torch import Tensor, nn

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.refinemask import detector_config
from mmfewshot_seg.models.refinemask import boundary_region, merge_stages
from mmfewshot_seg.models.refinemask.mask_pasting import paste_masks
from mmfewshot_seg.models.refinemask.mask_targets import (
    semantic_target,
    stage_targets,
    union_masks,
)
from mmfewshot_seg.models.refinemask.refine_loss import stage_losses
from mmfewshot_seg.registry import MODELS

PREFIX = 'roi_head.mask_head.'


def _recipe(recipe: dict) -> Tensor:
    return recipe['scale'] * reference_image(recipe['name'], recipe['shape'])


def _levels(case: Case) -> tuple[Tensor, ...]:
    return tuple(map(_recipe, case.spec['inputs']['feats']))


def _head_config(case: Case) -> dict:
    """Ours, from the official one."""
    cfg = dict(case.spec['head_cfg'])
    ours = dict(
        type=f'mmfewshot_seg.{cfg["type"]}',
        in_channels=cfg['conv_in_channels_instance'],
        instance_channels=cfg['conv_out_channels_instance'],
        semantic_channels=cfg['conv_out_channels_semantic'],
        num_classes=max(cfg['stage_num_classes']),
        loss_mask=dict(cfg['loss_cfg'], type=f'mmfewshot_seg.{cfg["loss_cfg"]["type"]}'),
    )
    if 'fusion_type' in cfg:
        ours['add_average'] = cfg['fusion_type'] == 'MultiBranchFusionAvg'
    same = (
        'num_convs_instance',
        'num_convs_semantic',
        'dilations',
        'stage_sup_size',
        'stage_num_classes',
        'semantic_out_stride',
        'mask_use_sigmoid',
        'pre_upsample_last_stage',
    )
    return dict(ours, **{key: cfg[key] for key in same if key in cfg})


def _load(case: Case, head: nn.Module) -> None:
    default = 'manifest_head_coco.json'
    if case.spec['head_cfg']['type'] == 'SimpleRefineMaskHead':
        default = 'manifest_head_faster_better.json'
    checkpoint = case.checkpoint(default)
    head.load_state_dict({key.removeprefix(PREFIX): value for key, value in checkpoint.items()})


def _roi_head(case: Case) -> nn.Module:
    cfg = _head_config(case)
    roi_head = MODELS.build(
        dict(
            type='mmfewshot_seg.RefineRoIHead',
            mask_roi_extractor=dict(
                type='mmdet.SingleRoIExtractor',
                roi_layer=dict(
                    type='RoIAlign', output_size=cfg['stage_sup_size'][0], sampling_ratio=0
                ),
                out_channels=cfg['in_channels'],
                featmap_strides=[4, 8, 16, 32],
            ),
            mask_head=cfg,
            test_cfg=ConfigDict(mask_thr_binary=case.spec.get('mask_thr_binary', 0.5)),
        )
    )
    _load(case, roi_head.mask_head)
    return roi_head.eval()


def _stages(predictions: tuple) -> dict:
    logits, semantic_logits = predictions
    return {f'out_stage_{k}': value for k, value in enumerate(logits)} | {
        'out_semantic_pred': semantic_logits
    }


@torch.no_grad()
def head_forward(case: Case) -> dict:
    """Logits of all stages."""
    head = MODELS.build(_head_config(case)).eval()
    _load(case, head)
    inputs = case.spec['inputs']
    features, level = _recipe(inputs['instance_feats']), _recipe(inputs['semantic_feat'])
    return _stages(head(features, level, case.arrays['rois'], case.arrays['labels']))


def region(case: Case) -> dict:
    """Three-way split: 0 background, 1 boundary, 2 interior."""
    ours = {}
    for key, masks in case.arrays.items():
        for width in case.spec['boundary_widths'] if key.startswith('masks_') else ():
            inside = masks > 0
            blocks = torch.where(boundary_region(inside, width), 1, 2 * inside)
            ours[f'out_block_{key.removeprefix("masks_")}_w{width}'] = blocks
    return ours


def _given_logits(case: Case) -> list[Tensor]:
    return [case.arrays[f'logits_{size}'].float() for size in case.spec['stage_sup_size']]


def loss(case: Case) -> dict:
    """Losses, and the gradients of their sum."""
    kind = 'Refine' if case.spec['has_semantic'] else 'BAR'
    module = MODELS.build(dict(case.spec['loss_cfg'], type=f'mmfewshot_seg.{kind}CrossEntropyLoss'))
    logits = dict(
        zip([f'logits_{size}' for size in _sizes(case)], _given_logits(case), strict=True)
    )
    targets = [case.arrays[f'targets_{size}'].float() for size in _sizes(case)]
    semantic = []
    if case.spec['has_semantic']:
        logits['semantic_pred'] = case.arrays['semantic_pred'].float()
        semantic = [logits['semantic_pred'], case.arrays['semantic_target'].float()]
    for value in logits.values():
        value.requires_grad_()
    stage_logits = [logits[f'logits_{size}'] for size in _sizes(case)]
    losses = module(stage_logits, targets, *semantic)
    sum(losses.values()).backward()
    unweighted = stage_losses(stage_logits, targets, module.boundary_width, module.start_stage)
    return (
        {f'out_{key}': value for key, value in losses.items()}
        | {f'out_grad_{key}': value.grad for key, value in logits.items()}
        | {'out_loss_per_stage_unweighted': torch.stack(unweighted)}
    )


def _sizes(case: Case) -> list[int]:
    return case.spec['stage_sup_size']


def merge(case: Case) -> dict:
    """Merged logits."""
    logits = merge_stages(_given_logits(case))
    return dict(out_logits=logits, out_probs=logits.sigmoid())


def _ground_truth(case: Case) -> list[BitmapMasks | PolygonMasks]:
    arrays = case.arrays
    if 'poly_xy' not in arrays:
        masks = _per_image(case, 'gt_masks')
        return [BitmapMasks(m.numpy(), *m.shape[1:]) for m in masks]
    objects = [{} for _ in arrays['image_hw']]
    polygons = arrays['poly_xy'].split(arrays['poly_len'].tolist())
    for polygon, image, index in zip(
        polygons, arrays['poly_image'].tolist(), arrays['poly_object'].tolist(), strict=True
    ):
        objects[image].setdefault(index, []).append(polygon.numpy())
    return [
        PolygonMasks([found[index] for index in sorted(found)], *size.tolist())
        for found, size in zip(objects, arrays['image_hw'], strict=True)
    ]


def _per_image(case: Case, name: str) -> list[Tensor]:
    count = sum(key.startswith(f'{name}_') for key in case.arrays)
    return [case.arrays[f'{name}_{index}'] for index in range(count)]


def targets(case: Case) -> dict:
    """Targets of every stage, union of the objects, and the semantic target."""
    masks, sizes = _ground_truth(case), _sizes(case)
    found = stage_targets(_per_image(case, 'boxes'), _per_image(case, 'gt_inds'), masks, sizes)
    union = union_masks(masks, tuple(np.max(case.spec['image_hw'], axis=0)))
    return {f'out_targets_{size}': target for size, target in zip(sizes, found, strict=True)} | {
        'out_semantic_target_full': union,
        'out_semantic_target': semantic_target(union, tuple(case.spec['semantic_hw'])),
    }


@torch.no_grad()
def roi_train(case: Case) -> dict:
    """Losses of the mask branch for given positive RoIs."""
    sampled = zip(
        _per_image(case, 'boxes'),
        _per_image(case, 'gt_inds'),
        _per_image(case, 'labels'),
        strict=True,
    )
    results = [
        SimpleNamespace(pos_priors=boxes, pos_assigned_gt_inds=indices, pos_gt_labels=labels)
        for boxes, indices, labels in sampled
    ]
    instances = [SimpleNamespace(masks=masks) for masks in _ground_truth(case)]
    found = _roi_head(case).mask_loss(_levels(case), results, None, instances)
    ours = {f'out_{key}': value for key, value in found['loss_mask'].items()}
    return ours | _stages(found['mask_preds'])


def _detections(case: Case, boxes: Tensor) -> tuple[list[InstanceData], list[dict]]:
    labels = case.arrays.get('labels', torch.zeros(len(boxes), dtype=torch.int64))
    results = InstanceData(bboxes=boxes.clone(), labels=labels, scores=torch.ones(len(boxes)))
    shape = tuple(case.arrays['ori_shape'].tolist())
    return [results], [dict(ori_shape=shape, scale_factor=_scale(case))]


def _scale(case: Case) -> tuple[float, float]:
    return tuple(case.arrays['scale_factor'][:2].tolist())


@torch.no_grad()
def roi_test(case: Case) -> dict:
    """Merged logits and masks of detections in the original image."""
    roi_head, levels = _roi_head(case), _levels(case)
    boxes = case.arrays['boxes'] * torch.tensor(_scale(case)).repeat(2)
    rois = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], dim=1)
    results, metas = _detections(case, boxes)
    return dict(
        out_logits=roi_head.mask_logits(levels, rois, case.arrays['labels']),
        out_masks=roi_head.predict_mask(levels, metas, results, rescale=True)[0].masks,
    )


def paste(case: Case) -> dict:
    """Masks pasted from merged logits."""
    results, metas = _detections(case, case.arrays['boxes'])
    logits = next(value for key, value in case.arrays.items() if key.startswith('logits_'))
    pasted = paste_masks(
        [logits.float()],
        results,
        metas,
        ConfigDict(mask_thr_binary=case.spec['mask_thr_binary']),
        rescale=case.spec['rescale'],
    )
    return dict(out_masks=pasted[0].masks)


@torch.no_grad()
def detector_forward(case: Case) -> dict:
    """Every part of the detector, from a converted checkpoint."""
    official = case.checkpoint('manifest_detector_r50_coco.json')
    detector = MODELS.build(detector_config(official)).eval()
    detector.load_state_dict(
        convert_state_dict(
            {f'module.{key}': value for key, value in official.items()}, layouts('refinemask')
        )
    )
    levels = detector.extract_feat(_recipe(case.spec['inputs']['image']))
    scores, deltas = detector.rpn_head(levels)
    rois, labels = case.arrays['rois'], case.arrays['labels']
    boxes = detector.roi_head._bbox_forward(levels, rois)
    return (
        {f'out_fpn_{k}': level[:, ::16] for k, level in enumerate(levels)}
        | {f'out_rpn_cls_{k}': value for k, value in enumerate(scores)}
        | {f'out_rpn_reg_{k}': value for k, value in enumerate(deltas)}
        | {'out_cls_score': boxes['cls_score'], 'out_bbox_pred': boxes['bbox_pred']}
        | _stages(detector.roi_head.stage_logits(levels, rois, labels))
    )


ADAPTERS = {
    'head_forward': head_forward,
    'boundary_region': region,
    'loss_refine': loss,
    'loss_bar': loss,
    'inference_merge': merge,
    'paste': paste,
    'targets_bitmap': targets,
    'targets_polygon': targets,
    'roi_train': roi_train,
    'roi_test': roi_test,
    'detector_forward': detector_forward,
}
