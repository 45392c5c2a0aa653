"""Edges of predictions on drawn images, where the right edge is known."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.functional import edge_refinement
from mmfewshot_seg.functional.edge_refinement import METHODS
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges


def scene(size=(96, 120)) -> tuple[np.ndarray, torch.Tensor]:
    """A noisy image with a disc of one colour and a box of another, and its labels."""
    height, width = size
    rows, columns = np.indices(size)
    labels = np.zeros(size, np.int64)
    labels[np.hypot(rows - height * 0.45, columns - width * 0.3) < height * 0.28] = 1
    labels[height // 4 : height * 3 // 4, width * 2 // 3 : width * 9 // 10] = 2
    colours = np.array([[90, 90, 90], [40, 60, 200], [60, 180, 60]])
    noise = np.random.RandomState(0).normal(0, 8, (*size, 3))
    return (colours[labels] + noise).clip(0, 255).astype(np.uint8), torch.from_numpy(labels)


def coarse_logits(labels: torch.Tensor, classes=3, cell=12) -> torch.Tensor:
    """What a network of that stride says of it: right, but blurred."""
    regions = F.one_hot(labels, classes).permute(2, 0, 1)[None].float()
    small = F.interpolate(regions, [side // cell for side in labels.shape], mode='area')
    return 4 * F.interpolate(small, labels.shape, mode='bilinear', align_corners=False)[0]


def iou(logits: torch.Tensor, labels: torch.Tensor) -> float:
    found = logits.argmax(0)
    values = [
        ((found == c) & (labels == c)).sum() / ((found == c) | (labels == c)).sum() for c in (1, 2)
    ]
    return float(sum(values) / 2)


@pytest.mark.parametrize(('method', 'gain'), [('grabcut', 0.05), ('guided', 0.02)])
def test_edges_move_to_those_of_the_image(method, gain) -> None:
    image, labels = scene()
    logits = coarse_logits(labels)
    refined = refine_edges(logits, image, method)
    assert refined.shape == logits.shape
    assert iou(refined, labels) > iou(logits, labels) + gain


def test_grabcut_finds_the_objects_of_both_ways() -> None:
    image, labels = scene()
    assert iou(refine_edges(coarse_logits(labels), image, 'grabcut'), labels) > 0.98


def test_scores_stay_but_for_the_winner() -> None:
    image, labels = scene()
    logits = coarse_logits(labels)
    refined = refine_edges(logits, image, 'grabcut')
    changed = refined != logits
    assert changed.any()
    assert (changed.sum(0) <= 1).all()
    rows, columns = torch.nonzero(changed.any(0), as_tuple=True)
    assert torch.equal(changed[:, rows, columns].int().argmax(0), refined.argmax(0)[rows, columns])


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('label', [0, 1])
def test_an_image_of_one_class_stays_so(method, label) -> None:
    image, _ = scene()
    logits = 6 * F.one_hot(torch.full(image.shape[:2], label), 2).permute(2, 0, 1).float()
    assert (refine_edges(logits, image, method).argmax(0) == label).all()


@pytest.mark.parametrize('method', METHODS)
def test_the_same_every_time_and_nothing_else_changes(method) -> None:
    image, labels = scene()
    logits = coarse_logits(labels)
    before, picture = logits.clone(), image.copy()
    first, second = (refine_edges(logits, image, method) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(logits, before) and np.array_equal(image, picture)


def test_large_images_are_cut_small_and_keep_fine_edges(monkeypatch) -> None:
    image, labels = scene((192, 240))
    logits = coarse_logits(labels, cell=24)
    sizes = []
    cut = cv2.grabCut
    monkeypatch.setattr(cv2, 'grabCut', lambda im, *a: sizes.append(im.shape) or cut(im, *a))
    monkeypatch.setattr(edge_refinement, 'MAX_SIDE', 120)
    refined = refine_edges(logits, image, 'grabcut')
    assert set(sizes) == {(96, 120, 3)}
    assert iou(refined, labels) > 0.93


@pytest.mark.parametrize('size', [(1, 1), (1, 40), (7, 3)])
@pytest.mark.parametrize('method', METHODS)
def test_tiny_images(method, size) -> None:
    image = np.random.RandomState(0).randint(256, size=(*size, 3)).astype(np.uint8)
    torch.manual_seed(0)
    assert refine_edges(torch.randn(3, *size), image, method).isfinite().all()


def test_mistakes_are_named() -> None:
    image, labels = scene()
    with pytest.raises(ValueError, match="refine='crf', expected one of"):
        refine_edges(coarse_logits(labels), image, 'crf')
    with pytest.raises(ValueError, match='its logits'):
        refine_edges(coarse_logits(labels)[:, :-1], image, 'guided')
