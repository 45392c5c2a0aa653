"""Gated-SCNN: its gate and shape stream at 512 x 1024, edge labels of a crop, boundary F-score.

Peers compute the same as it is defined. Inputs are random and the same for both.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from mmfewshot_seg.evaluation.boundary_f import boundary_f_scores
from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.models.semseg.gated_conv import GatedConv
from mmfewshot_seg.models.semseg.shape_stream import ShapeStream

CLASSES = 19
RADII = (3, 5, 9, 12)


class NaiveGatedConv(GatedConv):
    """The gate as the paper writes it, in training and outside it."""

    def forward(self, features: Tensor, gate: Tensor) -> Tensor:
        hidden = self.norm_in(torch.cat([features, gate], dim=1))
        attention = self.norm_out(self.attend(self.reduce(hidden).relu())).sigmoid()
        return self.conv(features * attention + features)


def gate(side: str, device: str, tiny: bool) -> Callable[[], Tensor]:
    """The first gate, 32 channels at the size of the image."""
    torch.manual_seed(0)
    module = dict(ours=GatedConv, peer=NaiveGatedConv)[side](32).to(device).eval()
    height, width = (24, 40) if tiny else (512, 1024)
    features = torch.randn(1, 32, height, width, device=device)
    gating = torch.randn(1, 1, height, width, device=device)
    return torch.no_grad()(lambda: module(features, gating))


def shape_stream(side: str, device: str, tiny: bool, scale: int) -> Callable[[], Tensor]:
    """The stream on levels of ResNet-50 at stride 8.

    Args:
        side: ``'ours'`` or ``'peer'``, which works at the size of the image.
        device: Where to run.
        tiny: Whether inputs are tiny.
        scale: By which ours is smaller.
    """
    torch.manual_seed(0)
    stream = ShapeStream(256, (512, 1024, 2048))
    if side == 'peer':
        for module in stream.gates:
            module.__class__ = NaiveGatedConv
    stream.to(device).eval()
    height, width = (32, 64) if tiny else (512, 1024)
    levels = [
        torch.randn(1, channels, height // stride, width // stride, device=device)
        for channels, stride in ((256, 4), (512, 8), (1024, 8), (2048, 8))
    ]
    factor = scale if side == 'ours' else 1
    size = (height // factor, width // factor)
    return torch.no_grad()(lambda: stream(size, *levels))


def edge_labels(side: str, device: str, tiny: bool) -> Callable[[], Tensor]:
    """Edges of a crop of 720 x 720 that shows 12 classes; the peer by distances of every class."""
    labels = _regions(60 if tiny else 720, seed=0) % 12
    if side == 'peer':
        return lambda: torch.from_numpy(edges_by_distances(labels, radius=2))
    labels = torch.from_numpy(labels).to(device)
    official = dict(frame=True, class_zero=False, ignored_rim=True)
    return lambda: shape_edges(labels, 2, **official)


def edges_by_distances(labels: np.ndarray, radius: int) -> np.ndarray:
    """(H, W) uint8 edges of classes 1 to 19: near the other side of a mask, from either side."""
    edges = np.zeros(labels.shape, bool)
    for number in range(1, CLASSES + 1):
        mask = np.pad(labels == number, 1)
        distances = distance_transform_edt(mask) + distance_transform_edt(~mask)
        edges |= ((distances > 0) & (distances <= radius))[1:-1, 1:-1]
    return edges.astype(np.uint8)


def boundary_f(side: str, device: str, tiny: bool, noise: float = 0.0) -> Callable[[], np.ndarray]:
    """Scores of an image of 1024 x 1024 at four radii; the peer by dilation of every class.

    Args:
        side: ``'ours'`` or ``'peer'``.
        device: Not used.
        tiny: Whether the image is tiny.
        noise: Share of predicted pixels that are of any class.
    """
    size = 80 if tiny else 1024
    target, pred = _regions(size, seed=0), _regions(size, seed=0)
    pred = np.roll(pred, (2, -5), (0, 1))
    rng = np.random.RandomState(1)
    wrong = rng.rand(*pred.shape) < noise
    pred[wrong] = rng.randint(0, CLASSES, wrong.sum())
    target[: size // 20] = 255
    score = dict(ours=boundary_f_scores, peer=scores_by_dilation)[side]
    return lambda: score(pred, target, CLASSES, RADII)


def scores_by_dilation(
    pred: np.ndarray, target: np.ndarray, num_classes: int, radii: tuple[int, ...]
) -> np.ndarray:
    """(T, K) scores, NaN where a class has no boundary."""
    scores = np.full((len(radii), num_classes), np.nan)
    ignored = target == 255
    for number in range(num_classes):
        ours, theirs = (_boundary((labels == number) & ~ignored) for labels in (pred, target))
        if not ours.any() and not theirs.any():
            continue
        for k, radius in enumerate(radii):
            y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
            disc = (x**2 + y**2 <= radius**2).astype(np.uint8)
            precision, recall = (
                (a & (cv2.dilate(b.astype(np.uint8), disc) > 0)).sum() / max(a.sum(), 1)
                for a, b in ((ours, theirs), (theirs, ours))
            )
            scores[k, number] = 2 * precision * recall / max(precision + recall, 1e-12)
    return scores


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Pixels unlike their right, lower or lower right neighbour."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode='edge')
    neighbours = (padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    return np.any([mask != other for other in neighbours], axis=0)


def _regions(size: int, seed: int) -> np.ndarray:
    """(size, size) uint8 label map of blobs of all classes."""
    noise = np.random.RandomState(seed).rand(12, 12, CLASSES).astype(np.float32)
    scores = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return scores.argmax(2).astype(np.uint8)
