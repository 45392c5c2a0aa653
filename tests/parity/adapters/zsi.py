"""Zero-shot instance segmentation: RPN, box head, mask head, synchronised background, metric.

The official labels begin with the background, ours end with it, and the official boxes end with the
last pixel inside them, ours beyond it.
"""

import json
import re
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from parity.harness import Case
from parity.reference import reference_tensor
from torch import Tensor, nn

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.zsi import check, detector_config
from mmfewshot_seg.evaluation.zeroshot_coco_metric import ZeroShotCocoMetric
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.registry import MODELS

(LAYOUT,) = layouts('zsi')
MODES = dict(train='seen', zsi='unseen', gzsi='generalized')


class Stand:
    """The stand-in detector of a case: official weights, class vectors, and ours from them."""

    def __init__(self, case: Case) -> None:
        self.official = case.checkpoint(f'manifest_{case.spec["split"]}.json')
        num_seen, num_unseen = map(int, case.spec['split'].split('_'))
        size, word_dim = self.official['bbox_head.kernel_semantic.weight'].shape[::-1]
        vectors = reference_tensor(
            f'zsi.word_vectors.{case.spec["split"]}', (1 + num_seen + num_unseen, word_dim)
        )
        self.background, self.seen, self.unseen = vectors.split([1, num_seen, num_unseen])
        self.vocabulary = reference_tensor('zsi.vocabulary', (size, word_dim))
        kernel = torch.cat([self.background, self.seen])[..., None, None]
        self.official['mask_head.conv_vec.weight'] = kernel
        check(self.official, self.seen)
        self.converted = convert_state_dict(self.official, (LAYOUT,))

    def part(self, name: str, **options) -> nn.Module:
        """``'rpn_head'``, ``'bbox_head'`` or ``'mask_head'``, with its weights and vectors."""
        detector = detector_config(self.official)
        config = detector.rpn_head if name == 'rpn_head' else detector.roi_head[name]
        sizes = dict(word_dim=self.seen.shape[1])
        if name != 'rpn_head':
            sizes['num_classes'] = len(self.seen)
        if name == 'bbox_head':
            sizes['vocabulary_size'] = len(self.vocabulary)
        head = MODELS.build(ConfigDict({**config, **sizes, **options}))
        prefix = f'{name}.' if name == 'rpn_head' else f'roi_head.{name}.'
        weights = {
            key.removeprefix(prefix): value
            for key, value in self.converted.items()
            if key.startswith(prefix)
        }
        head.load_state_dict(weights)
        if name != 'rpn_head':
            head.class_vectors.set(self.seen, self.background[0])
        if name == 'bbox_head':
            head.set_vocabulary(self.vocabulary)
        return head


class OfficialBoxes(nn.Module):
    """Decodes as the official code clips and rescales, for boxes of today."""

    def __init__(self, coder, scale: float | list = 1.0) -> None:
        super().__init__()
        self.coder = coder
        self.encode_size = coder.encode_size
        self.scale = torch.as_tensor(scale).expand(4)

    def decode(self, boxes: Tensor, deltas: Tensor, max_shape: tuple) -> Tensor:
        corners = _last_pixel(self.coder.decode(boxes, deltas))
        height, width = max_shape[:2]
        corners = corners.maximum(corners.new_zeros(())).minimum(
            corners.new_tensor([width - 1, height - 1] * 2)
        )
        return _beyond(corners / self.scale)


def _beyond(corners: Tensor) -> Tensor:
    return corners + corners.new_tensor([0, 0, 1, 1])


def _last_pixel(corners: Tensor) -> Tensor:
    return corners - corners.new_tensor([0, 0, 1, 1])


def _background_first(values: Tensor) -> Tensor:
    return values.roll(1, dims=1)


def _gradient_norms(case: Case, head: nn.Module) -> dict[str, Tensor]:
    """Norms under the official keys; -1 where there is no such parameter in ours."""
    parameters = {f'{case.spec["part"]}.{key}': p for key, p in head.named_parameters()}
    found = {}
    for entry in case.expected:
        if entry.startswith('grad.'):
            renamed = LAYOUT.rename(f'{case.spec["part"]}.{entry.removeprefix("grad.")}') or ''
            parameter = parameters.get(renamed.removeprefix('roi_head.'))
            found[entry] = torch.tensor(-1.0) if parameter is None else parameter.grad.norm()
    return found


def _inputs(case: Case, name: str) -> Tensor:
    values = case.arrays[f'in.{name}']
    return values.float() if values.is_floating_point() else values


def _masks_are_synchronised(case: Case) -> bool:
    return 'NOT' not in case.spec.get('sync_bg', '')


def _bind(case: Case, head: nn.Module) -> None:
    head.class_vectors.bind_background(lambda: _inputs(case, 'bg_vector'))


def bbox_head(case: Case) -> dict:
    """Logits, deltas, and losses with gradients, or detections."""
    stand = Stand(case)
    head = stand.part('bbox_head')
    _bind(case, head)
    unused = [stand.official[f'bbox_head.fc_reg.{name}'][:4] for name in ('weight', 'bias')]
    if 'in.labels' in case.arrays:
        return _bbox_losses(case, head, unused)
    return _detections(case, stand, head.eval(), unused)


def _bbox_losses(case: Case, head: nn.Module, unused: list[Tensor]) -> dict:
    features, deltas = head.features_and_deltas(_inputs(case, 'roi_feats'))
    words = head.encode(features)
    logits = head.classify(words)
    losses = head.reconstruction_loss(features, words) | head.loss(
        logits,
        deltas,
        None,
        (_inputs(case, 'labels') - 1) % logits.shape[1],
        *(_inputs(case, name) for name in ('label_weights', 'bbox_targets', 'bbox_weights')),
    )
    accuracy = losses.pop('acc')
    sum(losses.values()).backward()
    return {
        'out.cls_score': _background_first(logits),
        'out.bbox_pred': torch.cat([F.linear(features, *unused), deltas], dim=1),
        'out.x_semantic': features,
        'out.d_feature': head.decode(words),
        'out.loss_semantic': losses['loss_cls'],
        'out.loss_bbox': losses['loss_bbox'],
        'out.bbox_loss_ed': losses['loss_bbox_reconstruction'],
        'out.acc': accuracy,
    } | _gradient_norms(case, head)


@torch.no_grad()
def _detections(case: Case, stand: Stand, head: nn.Module, unused: list[Tensor]) -> dict:
    spec, mode = case.spec, MODES[case.spec['mode']]
    features, deltas = head.features_and_deltas(_inputs(case, 'roi_feats'))
    logits = head.logits(features)
    rois = _inputs(case, 'rois')
    rois[:, 1:] = _beyond(rois[:, 1:])
    head.bbox_coder = OfficialBoxes(head.bbox_coder, spec['scale_factor'])
    asked = DetectedClasses(mode, stand.unseen)
    meta = dict(img_shape=tuple(spec['img_shape'][:2]), detected_classes=asked)
    cfg = ConfigDict(
        score_thr=spec['score_thr'],
        nms=dict(type='nms', iou_threshold=spec['nms_iou_thr']),
        max_per_img=int(str(spec['max_per_img']).split()[0]),
    )
    (found,) = head.predict_by_feat((rois,), (logits,), (deltas,), [meta], cfg)
    all_deltas = torch.cat([F.linear(features, *unused), deltas], dim=1)
    decoded = head.bbox_coder.decode(
        rois[:, 1:].repeat_interleave(all_deltas.shape[1] // 4, dim=0),
        all_deltas.view(-1, 4),
        spec['img_shape'],
    ).view(len(rois), -1, 4)
    first_unseen = head.class_vectors.first_unseen(mode)
    is_unseen = found.labels >= first_unseen
    # The column of a class among the official deltas, which begin with the background.
    found.columns = 1 + torch.where(is_unseen, found.labels - first_unseen, found.labels)
    groups = [found] if mode != 'generalized' else [found[~is_unseen], found[is_unseen]]
    groups = [_official_order(group, decoded, cfg.max_per_img) for group in groups]
    found = InstanceData.cat(groups)
    return {
        'out.cls_score': _background_first(logits),
        'out.bbox_pred': all_deltas,
        'out.probabilities': _background_first(logits.softmax(1)),
        'out.det_bboxes': torch.cat([_last_pixel(found.bboxes), found.scores[:, None]], dim=1),
        'out.det_labels': found.labels,
        'out.decoded_bboxes': _last_pixel(decoded).flatten(1),
        'out.seen_scores': _with_background(head, logits, DetectedClasses('seen', stand.unseen)),
        'out.unseen_scores': _with_background(
            head, logits, DetectedClasses('unseen', stand.unseen)
        ),
    }


def _official_order(found: InstanceData, decoded: Tensor, max_per_img: int) -> InstanceData:
    """By score where there were too many (which just as many do not tell), else class and RoI."""
    if len(found) >= max_per_img:
        return found
    rois = (decoded[:, found.columns] - found.bboxes).abs().sum(2).argmin(0)
    return found[(found.labels * len(decoded) + rois).argsort()]


def _with_background(head: nn.Module, logits: Tensor, asked: DetectedClasses) -> Tensor:
    """Scores of the classes, before them that of the background, which no detection uses."""
    background = (
        logits.softmax(1) @ head.class_vectors.classifier() @ head.class_vectors.background()
    )
    return torch.cat([background[:, None], head.class_scores(logits, asked)], dim=1)


def mask_head(case: Case) -> dict:
    """Losses with gradients, or logits of all classes, each computed as that of a RoI's class."""
    stand = Stand(case)
    head = stand.part('mask_head', sync_background=_masks_are_synchronised(case))
    _bind(case, head)
    features = head(_inputs(case, 'mask_feats'))
    if 'in.labels' in case.arrays:
        return _mask_losses(case, head, features)
    mode, vectors = MODES[case.spec['mode']], head.class_vectors
    with torch.no_grad():
        if mode == 'unseen':  # the background as one more unseen class
            unseen = torch.cat([vectors.background()[None], stand.unseen])
            logits = _all_logits(head.eval(), features, DetectedClasses(mode, unseen))
        else:
            background = F.conv2d(head.encode(features), vectors.background()[None, :, None, None])
            asked = DetectedClasses(mode, stand.unseen)
            logits = torch.cat([background, _all_logits(head.eval(), features, asked)], dim=1)
    return {'out.mask_pred_unseen': logits, 'out.mask_logits': logits, 'out.mask_pred_seen': logits}


def _all_logits(head: nn.Module, features: Tensor, asked: DetectedClasses) -> Tensor:
    classes = range(len(head.class_vectors.targets(asked)))
    labels = [torch.full((len(features),), index) for index in classes]
    return torch.cat([head.label_logits(features, each, asked) for each in labels], dim=1)


def _mask_losses(case: Case, head: nn.Module, features: Tensor) -> dict:
    targets = _inputs(case, 'mask_targets')
    head.get_targets = lambda *args, **kwargs: targets
    sampled = [SimpleNamespace(pos_gt_labels=_inputs(case, 'labels') - 1)]
    losses = head.loss_and_target(features, sampled, None, None)['loss_mask']
    words = head.encode(features)
    logits = torch.einsum('ndhw,kd->nkhw', words, head.class_vectors.classifier())
    sum(losses.values()).backward()
    return {
        'out.mask_pred_seen': _background_first(logits),
        'out.conv4_x_sub': features[:, ::16, ::3, ::3],
        'out.d_x_sub': head.decode(words)[:, ::16, ::3, ::3],
        'out.loss_mask': losses['loss_mask'],
        'out.loss_ed': losses['loss_mask_reconstruction'],
    } | _gradient_norms(case, head)


def rpn_head(case: Case) -> dict:
    """Scores, deltas, anchors, losses with gradients, and proposals."""
    spec, stand = case.spec, Stand(case)
    levels, config = range(len(spec['strides'])), detector_config(stand.official).rpn_head
    head = stand.part(
        'rpn_head', anchor_generator=dict(config.anchor_generator, strides=spec['strides'])
    )
    scores, deltas = head([_inputs(case, f'feat{level}') for level in levels])
    ours, total = {'out.bg_vector': head.background_vector()}, 0.0
    anchors = head.prior_generator.grid_priors([s.shape[2:] for s in scores], device='cpu')
    for k in levels:
        num_images = len(scores[k])
        losses = head.loss_by_feat_single(
            scores[k],
            deltas[k],
            anchors[k].expand(num_images, -1, -1),
            1 - _inputs(case, f'labels{k}'),
            *(
                _inputs(case, f'{name}{k}')
                for name in ('label_weights', 'bbox_targets', 'bbox_weights')
            ),
            avg_factor=spec['num_total_samples'],
        )
        total = total + sum(losses)
        pairs = scores[k].unflatten(1, (-1, 2)).flip(2).flatten(1, 2)
        ours |= {
            f'out.cls{k}': pairs,
            f'out.reg{k}': deltas[k],
            f'out.anchors{k}': _last_pixel(anchors[k]),
            f'out.loss_rpn_cls{k}': losses[0],
            f'out.loss_rpn_bbox{k}': losses[1],
        }
    total.backward()
    return ours | _proposals(case, head, scores, deltas) | _gradient_norms(case, head)


@torch.no_grad()
def _proposals(case: Case, head: nn.Module, scores: list[Tensor], deltas: list[Tensor]) -> dict:
    text = case.spec['proposals']
    numbers = [re.search(p, text)[1] for p in (r'nms_pre (\d+)', r'NMS ([\d.]+)', r'top (\d+)')]
    cfg = ConfigDict(
        nms_pre=int(numbers[0]),
        nms=dict(type='nms', iou_threshold=float(numbers[1])),
        max_per_img=int(numbers[2]),
    )
    head.bbox_coder = OfficialBoxes(head.bbox_coder)
    metas = [dict(img_shape=tuple(case.spec['img_shape']))] * len(scores[0])
    found = head.predict_by_feat(scores, deltas, None, metas, cfg)
    return {
        f'out.proposals{image}': torch.cat(
            [_last_pixel(results.bboxes), results.scores[:, None]], dim=1
        )
        for image, results in enumerate(found)
    }


def sync(case: Case) -> dict:
    """The background of every head before and after it is that of the RPN."""
    stand = Stand(case)
    stand.official['rpn_head.vec_fb.weight'] = _inputs(case, 'vec_fb')
    stand.converted = convert_state_dict(stand.official, (LAYOUT,))
    rpn = stand.part('rpn_head')
    boxes = stand.part('bbox_head').class_vectors
    sync_masks = _masks_are_synchronised(case)
    masks = stand.part('mask_head', sync_background=sync_masks).class_vectors
    ours = {'out.bg_vector': rpn.background_vector()}
    for time in ('before', 'after'):
        ours |= {
            f'out.{time}.b_seen': boxes.classifier()[-1],
            f'out.{time}.b_un': boxes.background(),
            f'out.{time}.m_seen': masks.classifier()[-1],
            f'out.{time}.m_back': masks.classifier()[-1],
            f'out.{time}.m_un': masks.background(),
        }
        for vectors in (boxes, masks):
            vectors.bind_background(rpn.background_vector)
    return ours


def metric(case: Case) -> dict:
    """Figures of boxes and masks; those by seen and unseen classes in percent."""
    annotations, detections = (case.path(file) for file in case.spec['files'])
    content = json.loads(annotations.read_text())
    names = [category['name'] for category in content['categories']]
    labels = {category['id']: k for k, category in enumerate(content['categories'])}
    evaluator = ZeroShotCocoMetric(str(annotations))
    evaluator.dataset_meta = dict(classes=names, unseen_classes=names[case.spec['num_seen'] :])
    found = {image['id']: [] for image in content['images']}
    for detection in json.loads(detections.read_text()):
        found[detection['image_id']].append(detection)
    for image in content['images']:
        detections = found[image['id']]
        boxes = torch.tensor([d['bbox'] for d in detections], dtype=torch.float64).view(-1, 4)
        instances = dict(
            bboxes=torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1),
            scores=torch.tensor([d['score'] for d in detections], dtype=torch.float64),
            labels=torch.tensor([labels[d['category_id']] for d in detections], dtype=torch.int64),
            masks=[dict(d['segmentation']) for d in detections],
        )
        shape = (image['height'], image['width'])
        evaluator.process({}, [dict(img_id=image['id'], ori_shape=shape, pred_instances=instances)])
    figures = evaluator.evaluate(len(content['images']))
    return {entry: _figure(figures, *entry.split('.', 1)) for entry in case.expected}


def _figure(figures: dict[str, float], kind: str, official: str) -> float:
    """The official name is ``mAP@0.4``, ``Recall@100@0.4``, ``seen ap`` or ``HM recall``."""
    if '@' in official:
        name, threshold = official.replace('Recall@100', 'recall').split('@')
        suffix = '' if (name, threshold) == ('mAP', '0.5') else f'_{float(threshold) * 100:.0f}'
        return figures[f'zsi/{kind}_{name}{suffix}']
    group, name = official.lower().replace(' ap', ' mAP').split()
    return 100 * figures[f'zsi/{kind}_{group}_{name}']


ADAPTERS = {
    'bbox_head': bbox_head,
    'mask_head': mask_head,
    'rpn_head': rpn_head,
    'sync': sync,
    'metric': metric,
}
