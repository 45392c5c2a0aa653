"""ASGNet at the size of its paper: ResNet-50, 473 x 473, one way, one query.

The peer of our head is the naive formulation. Inputs are random and the same for both; masks are
discs of about half of the image.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.models.fewshot import ASGNetHead, FrozenResNet
from mmfewshot_seg.models.fewshot.prototype_allocation import allocate
from mmfewshot_seg.models.fewshot.superpixel_clustering import superpixel_clustering

from . import naive_asgnet

CHANNELS = 256
LEVELS = (512, 1024)
EPISODES = 4
ITERATIONS = 5
HEADS = dict(ours=ASGNetHead, peer=naive_asgnet.NaiveASGNetHead)


def sgc_gpa(side: str, device: str, tiny: bool, shots: int) -> Callable[[], list[Tensor]]:
    """What the decoder needs of given reduced features, masks and seeds, of several episodes.

    Ours gives prototypes, their one-hot allocation and the similarity; the peer gives query,
    guide and similarity as one tensor.
    """
    torch.manual_seed(0)
    size = 13 if tiny else 60
    query = torch.randn(EPISODES, CHANNELS, size, size, device=device)
    support = torch.randn(EPISODES, shots, CHANNELS, size, size, device=device)
    mask = _disc(size)
    seeds = torch.from_numpy(superpixel_seeds(mask.numpy(), (size, size), area=10)).to(device)
    mask = mask.to(device)

    @torch.no_grad()
    def ours() -> list[Tensor]:
        supports = support.flatten(0, 1)
        many = len(supports)
        centres, _ = superpixel_clustering(
            supports, mask.expand(many, -1, -1), seeds.expand(many, -1, -1), ITERATIONS
        )
        prototypes = centres.reshape(EPISODES, 1, -1, CHANNELS)
        valid = torch.ones(prototypes.shape[:3], dtype=torch.bool, device=device)
        similarity, guide = allocate(query, prototypes, valid)
        numbers = torch.arange(prototypes.shape[2], device=device).view(-1, 1, 1)
        return [prototypes, (guide.unsqueeze(2) == numbers).float(), similarity]

    @torch.no_grad()
    def peer() -> list[Tensor]:
        inputs = []
        for episode in range(EPISODES):
            prototypes = [
                naive_asgnet.cluster(features, mask, seeds, ITERATIONS)
                for features in support[episode]
            ]
            inputs.append(naive_asgnet.guided(query[episode], torch.cat(prototypes)))
        return [torch.stack(inputs)]

    return dict(ours=ours, peer=peer)[side]


def head_forward(
    side: str, device: str, tiny: bool, shots: int, convolutions: bool = True
) -> Callable[[], Tensor]:
    """The head from given features to logits at image size, or the backbone's forward.

    Args:
        side: ``'ours'``, ``'peer'`` or ``'backbone'``.
        device: Where to run.
        tiny: Whether inputs are tiny.
        shots: K.
        convolutions: Whether the decoder's convolutions are computed. Without them remain the
            reduction, seeds, clustering, allocation, and what the decoder does in between.
    """
    size = 161 if tiny else 473
    torch.manual_seed(0)
    if side == 'backbone':
        backbone = _backbone().to(device)
        backbone.eval()
        images = torch.randn(1 + shots, 3, size, size, device=device)
        return torch.no_grad()(lambda: backbone(images))
    weights = ASGNetHead().state_dict()
    head = HEADS[side]()
    head.load_state_dict(weights)
    head.to(device).eval()
    if not convolutions:
        skip_convolutions(head.decoder)
    torch.manual_seed(0)
    small = -(-size // 8)
    query = tuple(torch.randn(1, 1, c, small, small, device=device) for c in LEVELS)
    support = tuple(torch.randn(1, 1, shots, c, small, small, device=device) for c in LEVELS)
    masks = _disc(size).long().to(device).expand(1, 1, shots, -1, -1)

    @torch.no_grad()
    def call() -> Tensor:
        scores = head.scores(query, head.prototypes(support, masks))
        return head.resize(scores, (size, size))

    return call


class Skipped(nn.Module):
    """In place of a convolution: passes on as many channels as it would give."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.out_channels = conv.out_channels

    def forward(self, x: Tensor, *guidance: Tensor) -> Tensor:
        return x[:, : self.out_channels]


def skip_convolutions(module: nn.Module) -> None:
    """Replace all convolutions inside ``module``."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, Skipped(child))
        else:
            skip_convolutions(child)


def _backbone() -> FrozenResNet:
    return FrozenResNet(
        depth=50,
        deep_stem=True,
        stem_channels=128,
        num_stages=3,
        strides=(1, 2, 1),
        dilations=(1, 1, 2),
        out_indices=(1, 2),
    )


def _disc(size: int) -> Tensor:
    """(size, size) bool, half of it true."""
    offset = torch.arange(size) - (size - 1) / 2
    return offset.square()[:, None] + offset.square() < size**2 / (2 * torch.pi)
