"""Dense matching on the levels of EfficientNet-Lite0 at stride 8, 224 x 224, one way, one query.

The peer of our head is the formula with whole attention maps. Inputs are random and the same for
both.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.apis.run_config import config_path
from mmfewshot_seg.models.fewshot import DenseMatchingHead
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges

from .naive_dense_matching import NaiveDenseMatching

CHANNELS = (112, 320)
HEADS = dict(ours=DenseMatchingHead, peer=NaiveDenseMatching)


def matching(side: str, device: str, tiny: bool, shots: int) -> Callable[[], Tensor]:
    """Scores of given features by a support set that was fitted before."""
    head, size = HEADS[side](), 4 if tiny else 28
    torch.manual_seed(0)
    query = tuple(torch.randn(1, 1, c, size, size, device=device) for c in CHANNELS)
    support = tuple(torch.randn(1, 1, shots, c, size, size, device=device) for c in CHANNELS)
    masks = _masks(shots, 8 * size, device)
    with torch.no_grad():
        state = head.prototypes(support, masks)
    del support
    return torch.no_grad()(lambda: head.scores(query, state))


def photograph(side: str, device: str, tiny: bool, shots: int) -> Callable[[], Tensor]:
    """Encoder, matching and GrabCut of a query; the peer computes the supports with every query."""
    from mmengine.config import Config

    from mmfewshot_seg.registry import MODELS

    config = Config.fromfile(config_path('dense-matching_lite0-d8_photographs'))
    model, size = MODELS.build(config.model).to(device).eval(), 32 if tiny else 224
    generator = np.random.RandomState(0)
    image = generator.randint(256, size=(size, size, 3)).astype(np.uint8)
    images = torch.randn(1, 1, shots, 3, size, size, device=device)
    masks = _masks(shots, size, device)
    query = images[:, 0, :1]
    state = model.fit_support(images, masks)

    @torch.no_grad()
    def call() -> Tensor:
        inputs = dict(query=query)
        if side == 'peer':
            inputs.update(support=images, support_masks=masks)
        logits = model.encode_decode(inputs, state=state if side == 'ours' else None)
        return refine_edges(logits[0, 0], image, 'grabcut')

    return call


def photographs(side: str, device: str, tiny: bool, num_workers: int) -> Callable[[], object]:
    """``FewShotInferencer`` on 8 images by 5 supports, with workers; the peer has none."""
    from mmfewshot_seg.apis import FewShotInferencer

    generator = np.random.RandomState(0)
    size, number = (32, 2) if tiny else (224, 8)
    images = list(generator.randint(256, size=(number, size, size, 3)).astype(np.uint8))
    mask = _masks(1, size, 'cpu')[0, 0, 0].numpy()
    inferencer = FewShotInferencer(device=device, show_progress=False)
    inferencer.set_support(images[:5], [mask] * len(images[:5]), 'square')
    workers = num_workers if side == 'ours' else 0

    def call() -> None:
        for _ in inferencer.stream(images, num_workers=workers, return_datasamples=True):
            pass

    return call


def _masks(shots: int, size: int, device: str) -> Tensor:
    """(1, 1, K, H, W) int64, a square of a quarter of the image."""
    masks = torch.zeros(1, 1, shots, size, size, dtype=torch.int64, device=device)
    masks[..., size // 4 : -size // 4, size // 4 : -size // 4] = 1
    return masks
