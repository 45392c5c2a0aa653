"""ASGNet: both decoders, seed placement, clustering and allocation."""

import numpy as np
import torch
from parity.harness import Case
from parity.helpers import gradients
from parity.reference import reference_image, reference_mask, reference_tensor

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.functional.superpixel_seeds import official_placement
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.prototype_allocation import allocate
from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering

STRIDE = 8


def network(case: Case) -> dict:
    """Logits, or losses and gradients in training, and what leads to them."""
    model, inputs, label = _model(case), _inputs(case), _query_label(case)
    training = case.spec['mode'] == 'train'
    head, masks = model.decode_head, inputs['support_masks']
    with torch.set_grad_enabled(training):
        query, support = model._extract_episodes(inputs)
        state = head.prototypes(support, masks)
        scores = head.scores(query, state)
        logits = head.resize(scores, label.shape[-2:])[:, 0]
        ours = {f'prototypes/{b}': p[v].T for b, (p, v) in enumerate(_ways(state))}
        ours['seeds'] = torch.from_numpy(_placed_seeds(masks[:, 0] == 1))
        if training:
            losses = head.loss(query, support, masks, label)
            ours.update(main_loss=losses['loss_ce'], aux_loss=losses['loss_aux'])
            ours['prediction'] = logits.argmax(1)
            sum(losses.values()).backward()
            ours.update(gradients(case, model, _renames(case)))
        else:
            ours['logits'] = logits
    similarity, guide = allocate(head._reduce(query)[:, 0], state.prototypes, state.valid)
    ours['similarity'] = similarity[:, 0]
    numbers = state.valid.cumsum(-1) - 1  # the official code has no unused places
    ours.update({f'guide/{b}': numbers[b, 0, g[0]] for b, g in enumerate(guide)})
    return ours


def _ways(state):
    return zip(state.prototypes[:, 0], state.valid[:, 0], strict=True)


def _placed_seeds(masks: torch.Tensor) -> np.ndarray:
    """(B, K, 5, 2) seeds as the data loader places them, padded with zeros."""
    seeds = np.zeros((*masks.shape[:2], 5, 2), np.int64)
    for place, mask in zip(seeds.reshape(-1, 5, 2), masks.flatten(0, 1).numpy(), strict=True):
        placed = official_placement(mask, _feature_size(mask.shape))
        place[: len(placed)] = placed
    return seeds


def _feature_size(size) -> tuple[int, int]:
    return tuple((side - 1) // STRIDE + 1 for side in size)


def _model(case: Case) -> FewShotSegmentor:
    spec = case.spec
    aspp = spec.get('context') == 'aspp'
    decoder = dict(type='mmfewshot_seg.FeatureEnrichment', scales=spec['ppm_scales'])
    manifest = 'manifest.json' if spec['depth'] == 50 else f'manifest_resnet{spec["depth"]}.json'
    if aspp:
        decoder, manifest = dict(type='mmfewshot_seg.ASPPDecoder'), 'manifest_aspp.json'
    model = FewShotSegmentor(
        backbone=dict(
            type='mmfewshot_seg.FrozenResNet',
            depth=spec['depth'],
            deep_stem=True,
            stem_channels=128,
            num_stages=3,
            strides=(1, 2, 1),
            dilations=(1, 1, 2),
            out_indices=(0, 1, 2) if aspp else (1, 2),
        ),
        decode_head=dict(
            type='mmfewshot_seg.ASGNetHead', in_index=(1, 2) if aspp else (0, 1), decoder=decoder
        ),
    )
    checkpoint = {f'module.{key}': value for key, value in case.checkpoint(manifest).items()}
    model.load_state_dict(convert_state_dict(checkpoint, layouts('asgnet')))
    model.train(spec['mode'] == 'train')
    for module in model.modules():  # the fixtures' training has no dropout and fixed norms
        if isinstance(module, torch.nn.Dropout2d | torch.nn.BatchNorm2d):
            module.eval()
    return model


def _renames(case: Case):
    return layouts('asgnet')[case.spec.get('context') == 'aspp']


def _inputs(case: Case) -> dict:
    spec = case.spec
    shape, images, masks = (spec['batch'], *spec['size']), [], []
    for shot in range(spec['shots']):
        images.append(_image(case, f'support/{shot}'))
        mask = reference_mask(f'{spec["name"]}/support/{shot}', shape)
        mask = _edited(mask, spec.get('mask_edits', {}).get(str(shot)))
        mask[..., : spec.get('support_void_rows', 0), :] = 255
        masks.append(mask)
    return dict(
        query=_image(case, 'query').unsqueeze(1),
        support=torch.stack(images, 1).unsqueeze(1),
        support_masks=torch.stack(masks, 1).unsqueeze(1),
    )


def _image(case: Case, role: str) -> torch.Tensor:
    spec = case.spec
    shape = (spec['batch'], 3, *spec['size'])
    return reference_image(f'{spec["name"]}/{role}', shape) * spec['image_scale']


def _query_label(case: Case) -> torch.Tensor:
    """(B, 1, H, W)."""
    spec = case.spec
    label = reference_mask(f'{spec["name"]}/query', (spec['batch'], *spec['size']))
    label[..., : spec.get('void_rows', 0), :] = 255
    return label.unsqueeze(1)


def _edited(mask: torch.Tensor, edit) -> torch.Tensor:
    if edit is None:
        return mask
    if edit in ('empty', 'full'):
        return torch.full_like(mask, edit == 'full')
    kind, top, bottom, left, right = edit
    assert kind in ('rect', 'crop'), edit
    window = torch.zeros_like(mask)
    window[..., top:bottom, left:right] = 1
    return window if kind == 'rect' else mask * window


def seeds(case: Case) -> dict:
    """Placement alone."""
    spec, ours = case.spec, {}
    for key, (size, edit) in spec['masks'].items():
        mask = _edited(reference_mask(f'{spec["name"]}/{key}', size), edit).numpy() == 1
        placed = official_placement(
            mask, _feature_size(size), spec['max_num_sp'], spec['avg_sp_area']
        )
        ours[key] = np.zeros((spec['max_num_sp'], 2), np.int64)
        ours[key][: len(placed)] = placed
    return ours


def clustering(case: Case) -> dict:
    """Prototypes after some iterations."""
    spec = case.spec
    name, size = spec['name'], spec['size']
    features = reference_image(f'{name}/feature', (spec['channels'], *size)) * spec['scale']
    mask = _edited(reference_mask(f'{name}/mask', size), spec.get('edit')) == 1
    start = torch.tensor(spec['seeds'])
    ours = {}
    for iterations in spec['iterations']:
        centres, _ = superpixel_clustering(features[None], mask[None], start[None], iterations)
        ours[f'prototypes/{iterations}'] = centres[0].T
    return ours


def allocation(case: Case) -> dict:
    """Similarity, index map and what the index map selects."""
    spec = case.spec
    count = spec['prototypes']
    prototypes = reference_tensor(f'{spec["name"]}/prototypes', (spec['channels'], count)).T.clone()
    if 'zero_prototype' in spec:
        prototypes[spec['zero_prototype']] = 0
    query = reference_image(f'{spec["name"]}/query', (spec['channels'], *spec['size']))
    valid = torch.ones(1, 1, count, dtype=torch.bool)
    similarity, guide = allocate(query[None], prototypes[None, None], valid)
    allocated = prototypes[guide[0, 0]].permute(2, 0, 1)
    return dict(
        similarity=similarity[0, 0],
        guide=guide[0, 0],
        allocated_mean=allocated.mean((1, 2)),
        guided_slice=torch.cat([query, allocated])[::7],
    )


ADAPTERS = {'net': network, 'seeds': seeds, 'sgc': clustering, 'gpa': allocation}
