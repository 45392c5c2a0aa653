"""PANet at the size of its paper: VGG-16, 417 x 417, one way, one query.

The peer of our head is the naive formulation. Inputs are random and the same for both.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mmfewshot_seg.models.fewshot import FewShotSegmentor, PANetHead, PANetVGG
from mmfewshot_seg.structures import Episode

from .naive_panet import NaivePANetHead

CHANNELS = 512
HEADS = dict(ours=PANetHead, peer=NaivePANetHead)


def head_forward(side: str, device: str, tiny: bool, shots: int) -> Callable[[], Tensor]:
    """Prototypes, scores and enlarged logits of given features, or the backbone's forward."""
    size = _image_size(tiny)
    if side == 'backbone':
        backbone, images = PANetVGG().to(device), _images(size, shots, device)
        return torch.no_grad()(lambda: backbone(images)[0])
    head = HEADS[side]()
    query, support = _features(size, shots, device)
    masks = _masks(size, shots, device)

    @torch.no_grad()
    def call() -> Tensor:
        scores = head.scores(query, head.prototypes(support, masks))
        return head.resize(scores, (size, size))

    return call


def head_training(
    side: str, device: str, tiny: bool, shots: int
) -> Callable[[], dict[str, Tensor] | None]:
    """Losses of given features and their gradients, or the backbone's forward and backward."""
    size = _image_size(tiny)
    if side == 'backbone':
        return _backbone_training(size, shots, device)
    head = HEADS[side]()
    query, support = _features(size, shots, device)
    masks = _masks(size, shots, device)
    for features in (*query, *support):
        features.requires_grad_()

    def call() -> dict[str, Tensor]:
        losses = head.loss(query, support, masks, masks[:, 0, :1])
        sum(losses.values()).backward()
        for features in (*query, *support):
            features.grad = None
        return {name: loss.detach() for name, loss in losses.items()}

    return call


def train_step(side: str, device: str, tiny: bool, shots: int) -> Callable[[], dict[str, Tensor]]:
    """One whole training step: backbone, head with both losses, backward, SGD."""
    size = _image_size(tiny)
    images, masks = _images(size, shots, device), _masks(size, shots, device)
    model = FewShotSegmentor(
        backbone=dict(type='mmfewshot_seg.PANetVGG'),
        decode_head=dict(type='mmfewshot_seg.PANetHead'),
    )
    model.decode_head = HEADS[side]()
    model.to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9, weight_decay=5e-4)
    inputs = dict(query=images[None, :1], support=images[None, None, 1:], support_masks=masks)
    episodes = [Episode(query_masks=masks[0, 0, :1])]

    def call() -> dict[str, Tensor]:
        optimizer.zero_grad()
        losses = model.loss(inputs, episodes)
        sum(losses.values()).backward()
        optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    return call


def encoder(side: str, device: str, tiny: bool, shots: int) -> Callable[[], tuple[Tensor, ...]]:
    """Features of query and supports in a test; the peer computes them by one call."""
    images = _images(_image_size(tiny), shots, device)
    model = FewShotSegmentor(
        backbone=dict(type='mmfewshot_seg.PANetVGG'),
        decode_head=dict(type='mmfewshot_seg.PANetHead'),
    )
    model.to(device).eval()
    extract = model._extract if side == 'ours' else model.extract_feat
    return torch.no_grad()(lambda: extract(images))


def _image_size(tiny: bool) -> int:
    return 33 if tiny else 417


def _backbone_training(size: int, shots: int, device: str) -> Callable[[], None]:
    backbone, images = PANetVGG().to(device), _images(size, shots, device)
    gradient = torch.ones_like(backbone(images)[0])

    def call() -> None:
        backbone.zero_grad()
        backbone(images)[0].backward(gradient)

    return call


def _images(size: int, shots: int, device: str) -> Tensor:
    """(1 + K, 3, H, W), the query and then the supports."""
    torch.manual_seed(0)
    return torch.randn(1 + shots, 3, size, size, device=device)


def _features(size: int, shots: int, device: str) -> tuple[tuple[Tensor], tuple[Tensor]]:
    """Levels of the query and of the supports, at stride 8."""
    torch.manual_seed(0)
    side = -(-size // 8)
    query = torch.randn(1, 1, CHANNELS, side, side, device=device)
    support = torch.randn(1, 1, shots, CHANNELS, side, side, device=device)
    return (query,), (support,)


def _masks(size: int, shots: int, device: str) -> Tensor:
    """(1, 1, K, H, W) int64, a square of a quarter of the image."""
    masks = torch.zeros(1, 1, shots, size, size, dtype=torch.int64, device=device)
    masks[..., size // 4 : -size // 4, size // 4 : -size // 4] = 1
    return masks
