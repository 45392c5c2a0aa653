"""Edge labels: by hand, against distances, at frames and ignored regions; the transform."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmseg.datasets.transforms import PackSegInputs
from mmseg.utils import stack_batch
from scipy.ndimage import distance_transform_edt

from mmfewshot_seg.datasets import GenerateShapeEdge
from mmfewshot_seg.functional.shape_edges import shape_edges

OFFICIAL = dict(frame=True, class_zero=False, ignored_rim=True)


def _by_distances(labels: np.ndarray, radius: int, classes: range) -> np.ndarray:
    """As published: per class, near the other side of its mask, which nothing surrounds."""
    edges = np.zeros(labels.shape, bool)
    for number in classes:
        mask = np.pad(labels == number, 1)
        if not mask.any():
            continue
        distances = distance_transform_edt(mask) + distance_transform_edt(~mask)
        edges |= (distances <= radius)[1:-1, 1:-1]
    return edges


def _blobs(seed: int, size: tuple[int, int] = (40, 50)) -> np.ndarray:
    rng = np.random.RandomState(seed)
    labels = rng.randint(0, 4, (size[0] // 5, size[1] // 5)).repeat(5, 0).repeat(5, 1)
    labels[rng.rand(*size) < 0.02] = 3
    return labels


@pytest.mark.parametrize('radius', [1, 2, 3, 5])
def test_official_edges_are_those_of_distances(radius) -> None:
    labels = _blobs(0)
    labels[10:20, 30:] = 255
    expected = _by_distances(labels, radius, range(1, 19))
    found = shape_edges(torch.from_numpy(labels), radius, **OFFICIAL)
    assert (found.numpy() == expected).all()


@pytest.mark.parametrize('radius', [1, 2, 4])
def test_edges_are_near_another_class(radius) -> None:
    labels = _blobs(1)
    inside = np.full((labels.shape[0] + 2 * radius, labels.shape[1] + 2 * radius), -1)
    inside[radius:-radius, radius:-radius] = labels
    expected = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(labels.shape):
        window = inside[y : y + 2 * radius + 1, x : x + 2 * radius + 1]
        dy, dx = np.indices(window.shape) - radius
        near = window[dy**2 + dx**2 <= radius**2]
        expected[y, x] = set(near) - {-1} != {labels[y, x]}
    assert (shape_edges(torch.from_numpy(labels), radius).numpy() == expected).all()


def test_boundary_of_class_zero_is_that_of_its_neighbour() -> None:
    labels = torch.tensor([[0, 0, 0, 7, 7, 7]])
    for class_zero in (True, False):
        edges = shape_edges(labels, 1, class_zero=class_zero)
        assert edges.tolist() == [[0, 0, 1, 1, 0, 0]]


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), [[0, 0, 255, 255, 0, 0, 0]]),
        (dict(ignored_rim=True), [[0, 1, 1, 1, 1, 0, 0]]),
        (dict(ignored_rim=True, class_zero=False), [[0, 0, 0, 1, 1, 0, 0]]),
    ],
)
def test_rim_of_ignored_pixels(options, expected) -> None:
    labels = torch.tensor([[0, 0, 255, 255, 5, 5, 5]])
    assert shape_edges(labels, 1, **options).tolist() == expected


@pytest.mark.parametrize(
    ('label', 'options', 'corner', 'middle'),
    [
        (4, dict(), 0, 0),
        (4, dict(frame=True), 1, 0),
        (0, dict(frame=True), 1, 0),
        (0, dict(frame=True, class_zero=False), 0, 0),
        (255, dict(frame=True), 255, 255),
        (255, OFFICIAL, 0, 0),
    ],
)
def test_frame(label, options, corner, middle) -> None:
    edges = shape_edges(torch.full((9, 9), label), 2, **options)
    assert edges[0, 0] == edges[1, 4] == corner
    assert edges[2:7, 2:7].unique().tolist() == [middle]


def test_images_of_a_batch_are_apart_and_dtypes_alike() -> None:
    labels = torch.from_numpy(np.stack([_blobs(2), _blobs(3)]))
    edges = shape_edges(labels.unsqueeze(1))
    for label, edge in zip(labels, edges, strict=True):
        assert (shape_edges(label.to(torch.uint8)) == edge[0]).all()


def test_many_classes() -> None:
    assert shape_edges(torch.tensor([[700, 700, 701, 701]]), 1).tolist() == [[0, 1, 1, 0]]


@pytest.mark.gpu
def test_same_on_the_device() -> None:
    labels = torch.from_numpy(_blobs(4))
    assert (shape_edges(labels.cuda(), **OFFICIAL).cpu() == shape_edges(labels, **OFFICIAL)).all()


@pytest.mark.parametrize('options', [dict(), OFFICIAL, dict(radius=3)])
def test_transform_packs_the_map(options) -> None:
    labels = _blobs(5).astype(np.uint8)
    pipeline = Compose([GenerateShapeEdge(**options), PackSegInputs()])
    results = dict(img=np.zeros((*labels.shape, 3), np.uint8), gt_seg_map=labels)
    packed = pipeline(results)
    edges = packed['data_samples'].gt_edge_map.data
    assert (edges[0] == shape_edges(torch.from_numpy(labels), **options)).all()
    _, (padded,) = stack_batch([packed['inputs']], [packed['data_samples']], size=(48, 50))
    assert (padded.gt_edge_map.data[0, 40:] == 255).all()  # which the loss ignores


def test_refusals() -> None:
    for build in (lambda: GenerateShapeEdge(radius=0), lambda: shape_edges(torch.ones(2, 2), 0)):
        with pytest.raises(ValueError, match='radius=0 of edges, expected at least 1'):
            build()
    with pytest.raises(ValueError, match='integer labels, not of torch.float32'):
        shape_edges(torch.ones(2, 2))
    with pytest.raises(KeyError, match='after LoadAnnotations'):
        GenerateShapeEdge()(dict(img=None))
    with pytest.raises(ValueError, match=r'got \(4, 5, 3\) of a.png.*LoadLabels with a palette'):
        GenerateShapeEdge()(dict(gt_seg_map=np.zeros((4, 5, 3)), seg_map_path='a.png'))


def test_settings_are_shown() -> None:
    assert 'radius=3' in repr(GenerateShapeEdge(radius=3))
