"""Gated-SCNN: gate, pyramid, head, whole network, image gradient, losses, edges, boundary F."""

import re

import numpy as np
import torch
import torch.nn.functional as F
from parity.harness import Case
from parity.helpers import given
from torch import Tensor, nn

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.gscnn import segmentor_config
from mmfewshot_seg.evaluation.boundary_f import boundary_f_scores, pixel_radius
from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.models.semseg.balanced_edge_loss import BalancedEdgeLoss
from mmfewshot_seg.models.semseg.dual_task_loss import dual_task_loss
from mmfewshot_seg.models.semseg.edge_aspp import EdgeASPP
from mmfewshot_seg.models.semseg.edge_attention_loss import EdgeAttentionLoss
from mmfewshot_seg.models.semseg.gated_conv import GatedConv
from mmfewshot_seg.models.semseg.image_gradient import (
    FeaturesWithGradient,
    canny,
    image_gradient,
    official_bytes,
    to_bytes,
)
from mmfewshot_seg.models.semseg.per_image_weighted_cross_entropy import (
    PerImageWeightedCrossEntropy,
    class_weights,
)
from mmfewshot_seg.registry import MODELS

LAYOUT = layouts('gscnn')[0]


def _load(module: nn.Module, official: dict, place: str) -> None:
    """Fill the module at ``place`` of our network from a part of an official checkpoint."""
    renamed = {LAYOUT.rename(key): value for key, value in official.items()}
    module.load_state_dict({key.removeprefix(place): value for key, value in renamed.items()})


def gate(case: Case) -> dict:
    """One gate, with gradients."""
    name = re.search(r'gate(\d)', case.spec['weights'])
    features, gating = (given(case, key).requires_grad_() for key in ('features', 'gating'))
    module = GatedConv(features.shape[1])
    place = f'decode_head.shape_stream.gates.{int(name[1]) - 1}.'
    _load(module, case.checkpoint(keys=rf'{name[0]}\.'), place)
    module.train(case.spec['mode'].startswith('train'))
    output = module(features, gating)
    (output * case.arrays['cotangent']).sum().backward()
    return dict(output=output, grad_features=features.grad, grad_gating=gating.grad)


@torch.no_grad()
def aspp(case: Case) -> dict:
    """The pyramid alone."""
    config = case.spec['config']
    step = 96 // config['output_stride']  # of the rates: 12 at stride 8, 6 at stride 16
    module = EdgeASPP(
        config['in_channels'], config['reduction'], (1, step, 2 * step, 3 * step)
    ).eval()
    official = {f'aspp.{key}': value for key, value in case.checkpoint().items()}
    _load(module, official, 'decode_head.aspp.')
    return dict(output=module(given(case, 'x'), given(case, 'edge'))[:, :, ::2, ::2])


def _outputs(head: nn.Module, features: FeaturesWithGradient, size: tuple[int, int]) -> dict:
    """What the head gives, and what leads to it."""
    ours = {}
    kept = {
        'acts': (head.mix, Tensor.sigmoid),
        'gate3': (head.shape_stream.gates[-1], lambda maps: maps[:, :, ::2, ::2]),
        'bot_aspp': (head.context, lambda maps: maps),
    }
    for key, (module, final) in kept.items():
        module.register_forward_hook(
            lambda *args, key=key, final=final: ours.update({key: final(args[-1])})
        )
    seg_logits, edge_logits = head(features)
    seg_logits = head.predict_by_feat(seg_logits, [dict(img_shape=size)])
    return ours | dict(edge=edge_logits.sigmoid(), seg=seg_logits[:, :, ::2, ::2])


def _gradient(case: Case) -> Tensor:
    edges = case.arrays['canny'].float()
    return edges.reshape(-1, 1, *edges.shape[-2:])


@torch.no_grad()
def head(case: Case) -> dict:
    """The head on given levels."""
    official = case.checkpoint(keys='(?!mod)')
    module = MODELS.build(segmentor_config(official).decode_head).eval()
    dead = [key for key in official if LAYOUT.rename(key) is None]
    assert all(key.startswith('dsn1.') for key in dead), dead
    _load(module, {key: v for key, v in official.items() if key not in dead}, 'decode_head.')
    levels = [given(case, name) for name in ('m1', 'm2', 'm3', 'm4', 'm7')]
    features = FeaturesWithGradient(levels, _gradient(case))
    return _outputs(module, features, tuple(case.spec['image_size']))


@torch.no_grad()
def full(case: Case) -> dict:
    """The whole network, from a converted checkpoint."""
    official = case.checkpoint()
    model = MODELS.build(segmentor_config(official)).eval()
    checkpoint = {f'module.{key}': value for key, value in official.items()}
    model.load_state_dict(convert_state_dict(checkpoint, layouts('gscnn')))
    image = given(case, 'x')
    levels = model.extract_feat(image)
    ours = _outputs(
        model.decode_head, FeaturesWithGradient(levels, _gradient(case)), image.shape[-2:]
    )
    for level, number in zip(levels[1:], (2, 3, 4, 7), strict=True):
        step = max(1, level.shape[1] // 64)
        ours[f'mod{number}_corner'] = level[:, ::step, ::4, ::4]
    return ours


def gradient(case: Case) -> dict:
    """Canny of an image, and of what the official program makes of it."""
    image = given(case, 'image_u8')
    model = MODELS.build(segmentor_config({'final_seg.6.weight': [0]}).data_preprocessor)
    inputs = model(dict(inputs=[image.permute(2, 0, 1)[[2, 1, 0]]]))['inputs']
    restored = to_bytes(inputs * model.std + model.mean)[0].permute(1, 2, 0)
    assert (restored == image).all()
    return dict(
        sane=torch.from_numpy(canny(image.numpy())),
        official_cast=official_bytes(inputs)[0].permute(1, 2, 0),
        official=image_gradient(official_bytes(inputs))[0, 0],
    )


def losses(case: Case) -> dict:
    """All losses, and gradients of those that are trained."""
    config = case.spec['config']
    ignore_index, bound = config['ignore_index'], config['upper_bound']
    logits, labels, edge = (given(case, key) for key in ('logits', 'labels', 'edge'))
    logits.requires_grad_()
    edge.requires_grad_()
    edge_loss = BalancedEdgeLoss(loss_weight=config['edge_factor'])
    attention = EdgeAttentionLoss(config['edge_threshold'], bound)
    edge_logits = edge.detach().double().logit()
    segmentation, batch_weighted = (
        PerImageWeightedCrossEntropy(bound, by_batch)(logits, labels, ignore_index=ignore_index)
        for by_batch in (False, True)
    )
    ours = dict(
        seg_loss=segmentation,
        seg_loss_batch_weighting=batch_weighted,
        edge_loss=edge_loss(edge, given(case, 'edge_labels'), ignore_index=ignore_index),
        att_loss=attention(logits, labels, edge_logits, ignore_index=ignore_index),
        val_ce=F.cross_entropy(logits, labels, ignore_index=ignore_index),
    )
    for kind, spatial in (('', False), ('_spatial', True)):
        for end, noise in (('no_noise', None), ('given_noise', given(case, 'gumbel'))):
            ours[f'dual_loss{kind}_{end}'] = dual_task_loss(
                logits, labels, noise, spatial, config['tau'], ignore_index=ignore_index
            )
    for entry in case.expected:
        if match := re.fullmatch(r'grad_(logits|edge)_(.+)', entry):
            source = dict(logits=logits, edge=edge)[match[1]]
            (found,) = torch.autograd.grad(ours[match[2]], source, retain_graph=True)
            ours[entry] = found[:, ::2] if match[1] == 'logits' else found
    weights = class_weights(labels, config['num_classes'], bound, ignore_index=ignore_index)
    return ours | dict(class_weights=weights)


def edge_labels(case: Case) -> dict:
    """Edges of every radius that is asked for."""
    labels, ours = given(case, 'labels'), {}
    for entry in case.expected:
        radius = int(entry.removeprefix('edges_r'))
        edges = shape_edges(labels, radius, frame=True, class_zero=False, ignored_rim=True)
        ours[entry] = edges | _false_corner(labels.shape[-2:], radius)
    return ours


def _false_corner(size: tuple[int, int], radius: int) -> Tensor:
    """What classes that are absent add officially: an edge around a point above the image.

    There is always such a class, for the official program asks for one more than there are. The
    point is out of reach of radii 1 and 2, and we do not reproduce it.
    """
    row, column = torch.meshgrid(*map(torch.arange, size), indexing='ij')
    return ((row + 2) ** 2 + (column + 1) ** 2 <= radius**2).to(torch.uint8)


def boundary_f(case: Case) -> dict:
    """Sums over the images, and how many these are."""
    pred, target = (given(case, key).numpy() for key in ('pred', 'gt'))
    num_classes, ours = case.spec['config']['num_classes'], {}
    for entry in case.expected:
        quantity, threshold = re.fullmatch(r'f_(sum|count)_(.+)', entry).groups()
        radius = pixel_radius(float(threshold), target.shape[1:])
        images = zip(pred, target, strict=True)
        scores = np.stack([boundary_f_scores(*pair, num_classes, [radius])[0] for pair in images])
        scores = np.nan_to_num(scores, nan=1)
        ours[entry] = (scores if quantity == 'sum' else np.ones_like(scores)).sum(0)
    return ours


ADAPTERS = {
    'gate': gate,
    'aspp': aspp,
    'head': head,
    'full': full,
    'canny': gradient,
    'losses': losses,
    'edge_labels': edge_labels,
    'boundary_f': boundary_f,
}
