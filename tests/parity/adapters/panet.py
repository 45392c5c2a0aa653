"""PANet: the official VGG network, the residual variant, weak annotation and metric."""

import torch
from parity.harness import Case
from parity.helpers import gradients
from parity.reference import reference_image, reference_mask

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.datasets.transforms import bounding_box_annotation
from mmfewshot_seg.evaluation import episode_counts, summarize
from mmfewshot_seg.models.fewshot import FewShotSegmentor

# Logits are near 20 and classes differ by a tenth of that, so the tolerance is absolute.
TOLERANCES = {'logits': (2e-4, 0.0), 'support_logits': (2e-4, 0.0)}


def network(case: Case) -> dict:
    """Logits and prototypes; losses and gradients in training."""
    model, inputs, labels = _model(case), _inputs(case), _query_labels(case)
    training = case.spec['mode'] == 'train'
    with torch.set_grad_enabled(training):
        query, support = model._extract_episodes(inputs)
        head = model.decode_head
        state = head.prototypes(support, inputs['support_masks'])
        scores = head.scores(query, state)
        logits = head.resize(scores, labels.shape[-2:])
        ours = dict(logits=_query_major(logits), prototypes=state.prototypes)
        if training and head.align_loss == 'predicted':
            losses = head.loss(query, support, inputs['support_masks'], labels)
            ours.update(query_loss=losses['loss_ce'], align_loss=losses['loss_align'])
            sum(losses.values()).backward()
            ours.update(gradients(case, model, layouts('panet')[0]))
        elif training:
            weights = head.query_weights(scores, labels)
            logits = head.support_logits(query, weights, support, inputs['support_masks'])
            ours['support_logits'] = logits[:, 0].transpose(0, 1)
    return ours


def _model(case: Case) -> FewShotSegmentor:
    if case.spec['kind'] == 'vgg':
        manifest = 'manifest.json'
        backbone = dict(type='mmfewshot_seg.PANetVGG')
        head = dict(type='mmfewshot_seg.PANetHead')
    else:
        manifest = f'manifest_resnet{case.spec["depth"]}.json'
        backbone = dict(
            type='mmfewshot_seg.SignedResNet',
            depth=case.spec['depth'],
            deep_stem=True,
            stem_channels=128,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(2,),
            contract_dilation=True,
            norm_eval=True,
        )
        head = dict(
            type='mmfewshot_seg.PANetHead',
            scale=10,
            pooling='mask_to_features',
            align_loss='annotated',
            align_corners=True,
        )
    model = FewShotSegmentor(backbone=backbone, decode_head=head)
    checkpoint = {f'module.{key}': value for key, value in case.checkpoint(manifest).items()}
    model.load_state_dict(convert_state_dict(checkpoint, layouts('panet')))
    return model.train(case.spec['mode'] == 'train')


def _inputs(case: Case) -> dict:
    spec = case.spec
    shape = (spec['batch'], *spec['size'])
    images, masks = [], []
    for way in range(spec['ways']):
        for shot in range(spec['shots']):
            name = f'{spec["name"]}/support/{way}/{shot}'
            images.append(reference_image(name, (shape[0], 3, *shape[1:])))
            mask = reference_mask(name, shape, spec['ways'] + 1)
            edit = spec.get('mask_edits', {}).get(f'{way}/{shot}')
            masks.append(_edited(mask, edit, way + 1, spec.get('weak')))
    ways_shots = (spec['ways'], spec['shots'])
    queries = [
        reference_image(f'{spec["name"]}/query/{q}', (shape[0], 3, *shape[1:]))
        for q in range(spec['queries'])
    ]
    return dict(
        support=torch.stack(images, 1).unflatten(1, ways_shots),
        support_masks=torch.stack(masks, 1).unflatten(1, ways_shots),
        query=torch.stack(queries, 1),
    )


def _edited(mask, edit, label: int, weak: str | None):
    if edit == 'empty':
        mask[mask == label] = 0
    elif edit == 'full':
        mask[:] = label
    elif edit is not None:
        kind, top, bottom, left, right = edit
        assert kind == 'rect', edit
        mask[:] = 0
        mask[..., top:bottom, left:right] = label
    if weak is not None:
        assert weak == 'sparse', weak
        unused = torch.arange(mask.shape[-2]) % 7 != 0
        mask[..., unused, :] = 255
    return mask


def _query_labels(case: Case) -> torch.Tensor:
    spec = case.spec
    labels = [
        reference_mask(
            f'{spec["name"]}/query/{q}', (spec['batch'], *spec['size']), spec['ways'] + 1
        )
        for q in range(spec['queries'])
    ]
    labels = torch.stack(labels, 1)
    labels[..., : spec.get('void_rows', 0), :] = 255
    return labels


def _query_major(logits: torch.Tensor) -> torch.Tensor:
    return logits.transpose(0, 1).flatten(0, 1)


def bounding_box(case: Case) -> dict:
    """Masks made from the boxes of the instances."""
    name, shape = case.spec['name'], (1, *case.spec['size'])
    instances = reference_mask(f'{name}/inst', shape, case.spec['instances'] + 1)
    foreground = (reference_mask(f'{name}/fg', shape) == 1) & (instances > 0)
    label = bounding_box_annotation(foreground[0].numpy(), instances[0].numpy())[None]
    return dict(fg_bbox=label == 1, bg_bbox=label == 0)


def metric(case: Case) -> dict:
    """Figures of several runs."""
    episodes = []
    for run in range(case.spec['runs']):
        for index, class_ids in enumerate(case.spec['episodes']):
            name = f'{case.spec["name"]}/{run}/{index}'
            shape = tuple(case.spec['size'])
            pred = reference_mask(f'{name}/pred', shape, len(class_ids) + 1)
            target = reference_mask(f'{name}/target', shape, len(class_ids) + 1)
            target[: case.spec.get('void_rows', 0)] = 255
            counts = episode_counts(pred, target, len(class_ids))
            episodes.append((run, index, tuple(class_ids), counts))
    return summarize(episodes)


ADAPTERS = {'vgg': network, 'resnet': network, 'bbox': bounding_box, 'metric': metric}
