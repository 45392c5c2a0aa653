"""F1 of outlines by hand."""

import numpy as np
import pytest
from pycocotools import mask as mask_api

from mmfewshot_seg.evaluation.boundary_f1 import (
    boundaries_near,
    boundary_f1,
    disk,
    f1_of_pairs,
)
from mmfewshot_seg.evaluation.image_pairs import ClassPairs


def encode(mask: np.ndarray) -> dict:
    return mask_api.encode(np.asfortranarray(mask, np.uint8))


def box(top: int, left: int, bottom: int, right: int, size: int = 40) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def test_disk() -> None:
    assert disk(1).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert disk(3).sum() == 29
    assert disk(5).sum() == 81


def test_f1_of_two_lines() -> None:
    target, prediction = np.zeros((2, 9, 12), bool)
    target[2, :] = True
    prediction[4, :6] = True
    assert boundary_f1(prediction, target, 1) == 0
    # All 6 predicted pixels are near; of the target those of columns 0..7: two beyond the end
    # of the prediction are sqrt(5), sqrt(8) away, the third sqrt(13).
    assert boundary_f1(prediction, target, 3) == pytest.approx(2 * 1 * 8 / 12 / (1 + 8 / 12))
    assert boundary_f1(target, target, 1) == 1
    assert boundary_f1(np.zeros_like(target), target, 5) == 0


def test_box_grows_by_half_its_size_and_stops_at_the_image() -> None:
    target, prediction = box(10, 20, 20, 28), box(0, 0, 40, 40)
    prediction, boundary = boundaries_near(prediction, target)
    assert boundary.shape == (20, 16)  # rows 5..25, columns 16..32
    assert boundary.sum() == 2 * 8 + 2 * 8
    assert not prediction.any()  # its outline is elsewhere, the cut is none
    _, boundary = boundaries_near(target, box(0, 30, 10, 40))
    assert boundary.shape == (15, 15)
    assert boundary[0, 5:].all() and boundary[:10, -1].all()  # the edge of the image is outline


def test_each_object_takes_the_best_detection() -> None:
    target, shifted = box(10, 10, 20, 20), box(10, 12, 20, 22)
    far, crowd = box(30, 30, 38, 38), box(0, 0, 30, 30)
    pairs = ClassPairs(
        0,
        1,
        [encode(shifted), encode(target)],
        [encode(m) for m in (target, crowd, far)],
        [0, 1, 0],
    )
    assert f1_of_pairs(pairs, (1, 3)) == [[1.0, 1.0]]
    (row,) = f1_of_pairs(pairs._replace(detections=[encode(shifted)]), (1, 3))
    # Of 36 outline pixels 16 coincide and 4 are next to one; the upright sides are 2 apart.
    assert row == [pytest.approx(20 / 36), 1.0]


def test_too_small_an_overlap_is_no_pair() -> None:
    target, half, less = box(10, 10, 20, 20), box(10, 10, 20, 15), box(10, 10, 20, 14)
    rows = [
        f1_of_pairs(ClassPairs(0, 1, [encode(m)], [encode(target)], [0]), (1,))
        for m in (half, less)
    ]
    assert len(rows[0]) == 1
    assert rows[1] == []
