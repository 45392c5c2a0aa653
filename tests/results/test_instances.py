"""Connected parts, computed by hand and by a slow flood fill."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmfewshot_seg.results.instances import Instance, find_instances


def whole(instance: Instance) -> np.ndarray:
    """(H, W) mask."""
    x, y, width, height = instance.box
    mask = np.zeros(instance.size, bool)
    mask[y : y + height, x : x + width] = instance.mask
    return mask


def flooded(mask: np.ndarray) -> list[np.ndarray]:
    """Parts of a mask whose pixels touch at sides or corners, one by one."""
    parts, left = [], {tuple(pixel) for pixel in np.argwhere(mask).tolist()}
    while left:
        part, border = np.zeros(mask.shape, bool), [left.pop()]
        while border:
            row, column = border.pop()
            part[row, column] = True
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            border += near
        parts.append(part)
    return parts


def test_parts_of_two_classes_by_hand() -> None:
    labels = np.array([[1, 0, 2, 255], [0, 1, 2, 255], [0, 0, 1, 0]], np.uint8)
    probabilities = np.array([[0.5, 1, 0.6, 1], [1, 0.7, 0.8, 1], [1, 1, 0.9, 1]])
    cat, dog = find_instances(labels, probabilities, ['cat', 'dog'])
    assert (cat.label, cat.class_name, cat.area, cat.box) == (1, 'cat', 3, (0, 0, 3, 3))
    assert cat.score == pytest.approx((0.5 + 0.7 + 0.9) / 3)
    np.testing.assert_array_equal(cat.mask, labels[:, :3] == 1)
    assert (dog.label, dog.class_name, dog.area, dog.box) == (2, 'dog', 2, (2, 0, 1, 2))
    assert dog.score == pytest.approx(0.7)
    outer, holes = dog.rings()
    assert holes == [] and sorted(outer.tolist()) == [[2, 0], [2, 2], [3, 0], [3, 2]]


def test_small_parts_are_left_out_and_large_ones_come_first() -> None:
    labels = np.array([[1, 0, 1, 1, 0, 1, 1, 1]], np.uint8)
    of = lambda least: find_instances(labels, np.ones(labels.shape), ['a'], least)  # noqa: E731
    assert [part.area for part in of(1)] == [3, 2, 1]
    assert [part.area for part in of(2)] == [3, 2]
    assert of(4) == []


def test_the_outline_comes_before_the_holes() -> None:
    labels = np.ones((7, 9), np.uint8)
    labels[2:4, 2:5] = labels[5, 7] = 0
    (part,) = find_instances(labels, labels, ['a'])
    outer, holes = part.rings()
    assert sorted(outer.tolist()) == [[0, 0], [0, 7], [9, 0], [9, 7]]
    assert sorted(hole.min(0).tolist() for hole in holes) == [[2, 2], [7, 5]]


@pytest.mark.parametrize('seed', range(10))
def test_as_a_flood_fill_finds_them(seed) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, rng.integers(1, 20, 2), p=[0.5, 0.3, 0.2]).astype(np.uint8)
    probabilities = rng.random(labels.shape)
    found = find_instances(labels, probabilities, ['a', 'b'])
    expected = [(n, part) for n in (1, 2) for part in flooded(labels == n)]
    assert len(found) == len(expected)
    for instance in found:
        mask = whole(instance)
        (same,) = (part for n, part in expected if n == instance.label and part[mask].all())
        np.testing.assert_array_equal(mask, same)
        assert instance.score == pytest.approx(probabilities[same].mean())
        np.testing.assert_array_equal(coco_mask.decode(instance.rle), same)
        assert coco_mask.area(instance.rle) == instance.area == same.sum()
        assert coco_mask.toBbox(instance.rle).tolist() == list(instance.box)
