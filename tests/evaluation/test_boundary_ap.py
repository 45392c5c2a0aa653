"""Boundaries and their IoU by hand, Boundary AP against a slow and independent one."""

import numpy as np
import pytest
from pycocotools import mask as mask_api
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import ndimage

from mmfewshot_seg.evaluation import boundary_ap
from mmfewshot_seg.evaluation.boundary_ap import (
    BoundaryCOCOeval,
    boundary_iou,
    boundary_ious,
    boundary_width,
    crop_boundary,
    mask_boundary,
)
from mmfewshot_seg.evaluation.image_pairs import ClassPairs


def encode(mask: np.ndarray) -> dict:
    return mask_api.encode(np.asfortranarray(mask, np.uint8))


def square(size: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def coco(annotations: list[dict], images: int = 1, size: int = 32, classes: int = 1) -> COCO:
    """Annotations with an id, and area and crowd flag where they lack them."""
    made = COCO()
    made.dataset = dict(
        images=[dict(id=i, height=size, width=size) for i in range(images)],
        categories=[dict(id=c + 1, name=f'class {c + 1}') for c in range(classes)],
        annotations=[
            dict(dict(iscrowd=0, area=float(mask_api.area(a['segmentation']))), **a, id=i + 1)
            for i, a in enumerate(annotations)
        ],
    )
    made.createIndex()
    return made


def random_scene(seed: int, images: int = 4, classes: int = 2, size: int = 32):
    """Rough rectangles as objects, some of them crowds, and detections made from them."""
    rng = np.random.RandomState(seed)
    objects, detections = [], []
    for image in range(images):
        for _ in range(5):
            top, left = rng.randint(0, size - 8, 2)
            mask = np.zeros((size, size), np.uint8)
            mask[top : top + rng.randint(4, 20), left : left + rng.randint(4, 20)] = 1
            where = dict(image_id=image, category_id=int(rng.randint(classes)) + 1)
            crowd = int(rng.rand() < 0.2)
            objects.append(dict(where, segmentation=encode(mask), iscrowd=crowd))
            for _ in range(3):
                noisy = np.roll(mask, rng.randint(-1, 2, 2), (0, 1))
                noisy ^= (rng.rand(size, size) < 0.02).astype(np.uint8)
                score = float(rng.rand())
                detections.append(dict(where, segmentation=encode(noisy), score=score))
    return coco(objects, images, size, classes), detections


def run(coco_eval: COCOeval) -> np.ndarray:
    coco_eval.evaluate()
    coco_eval.accumulate()
    coco_eval.summarize()
    return coco_eval.stats


@pytest.mark.parametrize(
    ('height', 'width', 'ratio', 'expected'),
    [
        (3, 4, 0.02, 1),  # 0.1, at least one
        (300, 400, 0.02, 10),
        (480, 640, 0.02, 16),
        (30, 40, 0.029, 1),  # 1.45
        (30, 40, 0.031, 2),  # 1.55
        (1024, 2048, 0.005, 11),  # 11.45
    ],
)
def test_boundary_width(height, width, ratio, expected) -> None:
    assert boundary_width(height, width, ratio) == expected


def test_boundary_of_a_square() -> None:
    mask = square(7, 1, 1, 5)
    assert mask_boundary(mask, 1).sum() == 25 - 9
    assert mask_boundary(mask, 2).sum() == 25 - 1
    np.testing.assert_array_equal(mask_boundary(mask, 3), mask.astype(bool))
    assert not mask_boundary(np.zeros((4, 5), np.uint8), 2).any()


def test_edge_of_the_image_is_boundary() -> None:
    expected = np.ones((4, 5), bool)
    expected[1:3, 1:4] = False
    np.testing.assert_array_equal(mask_boundary(np.ones((4, 5), np.uint8), 1), expected)
    corner = mask_boundary(square(6, 0, 0, 4), 1)
    assert corner[0, 0] and corner[3, 3] and not corner[1:3, 1:3].any()


def test_hole_has_a_boundary() -> None:
    mask = np.ones((9, 9), np.uint8)
    mask[4, 4] = 0
    inner = mask_boundary(mask, 1)[1:-1, 1:-1]
    assert inner.sum() == 8
    assert not inner[3, 3]


def test_boundary_iou_of_shifted_squares_by_hand() -> None:
    """Two rings of 20 pixels, one pixel apart."""
    one, other = square(12, 2, 2, 6), square(12, 2, 3, 6)
    # Rows 2 and 7 share columns 3..7; the upright sides are columns 2, 7 and 3, 8.
    expected = 10 / (20 + 20 - 10)
    assert boundary_iou(*(crop_boundary(encode(m), 1) for m in (one, other))) == expected
    pairs = ClassPairs(0, 1, [encode(other)], [encode(one)], [0])
    assert boundary_ious(pairs, 1) == pytest.approx(expected)
    assert mask_api.iou([encode(other)], [encode(one)], [0]) == pytest.approx(30 / 42)


def test_far_apart_and_empty_are_zero() -> None:
    one, other, empty = (encode(square(12, *a)) for a in ((0, 0, 3), (8, 8, 3), (0, 0, 0)))
    assert boundary_iou(*(crop_boundary(rle, 1) for rle in (one, other))) == 0
    pairs = ClassPairs(0, 1, [one, empty], [other, empty], [0, 0])
    assert not boundary_ious(pairs, 1).any()


def test_mask_iou_counts_where_it_is_smaller() -> None:
    """A narrow frame, all boundary, against the full square: the boundaries agree better."""
    full = square(40, 0, 0, 40)
    frame = full.copy()
    frame[3:-3, 3:-3] = 0
    pairs = ClassPairs(0, 1, [encode(frame)], [encode(full)], [0])
    share = frame.sum() / full.sum()
    assert boundary_ious(pairs, 3) == pytest.approx(share)
    assert boundary_iou(*(crop_boundary(encode(m), 3) for m in (frame, full))) == 1


def test_crowd_keeps_the_mask_iou() -> None:
    inside, crowd = square(20, 4, 4, 5), square(20, 0, 0, 20)
    pairs = ClassPairs(0, 1, [encode(inside)], [encode(crowd)] * 2, [1, 0])
    assert boundary_ious(pairs, 1).tolist() == [[1.0, 0.0]]


def test_boundaries_are_made_once_and_only_where_needed(monkeypatch) -> None:
    made = []
    crop = boundary_ap.crop_boundary
    monkeypatch.setattr(boundary_ap, 'crop_boundary', lambda *a: made.append(a) or crop(*a))
    good, far, poor = (encode(square(20, *a)) for a in ((2, 2, 8), (14, 14, 5), (9, 9, 8)))
    pairs = ClassPairs(0, 1, [good, good, far, poor], [good], [0])
    ious = boundary_ious(pairs, 1, lowest_iou=0.5)
    assert len(made) == 3  # two detections and the object
    assert ious[3, 0] == pytest.approx(1 / 127)  # poor stays as it was


def slow_boundary(mask: np.ndarray, ratio: float) -> np.ndarray:
    """By distance: the outside is nearer than or as near as the width."""
    width = max(1, round(ratio * (mask.shape[0] ** 2 + mask.shape[1] ** 2) ** 0.5))
    distance = ndimage.distance_transform_cdt(np.pad(mask, 1), 'chessboard')[1:-1, 1:-1]
    return (mask > 0) & (distance <= width)


class SlowBoundaryCOCOeval(COCOeval):
    ratio = 0.05

    def computeIoU(self, image, class_id):
        ious = super().computeIoU(image, class_id)
        detections = sorted(self._dts[image, class_id], key=lambda d: -d['score'])
        for i in range(len(ious)):
            for j, g in enumerate(self._gts[image, class_id]):
                masks = (mask_api.decode(a['segmentation']) for a in (detections[i], g))
                one, other = (slow_boundary(mask, self.ratio) for mask in masks)
                if not g['iscrowd']:
                    iou = (one & other).sum() / max((one | other).sum(), 1)
                    ious[i][j] = min(ious[i][j], iou)
        return ious


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('use_cats', [0, 1])
def test_same_as_slow_reimplementation(seed, use_cats) -> None:
    objects, detections = random_scene(seed)
    found = objects.loadRes(detections)
    ours, slow = (
        BoundaryCOCOeval(objects, found, 0.05),
        SlowBoundaryCOCOeval(objects, found, 'segm'),
    )
    for coco_eval in (ours, slow):
        coco_eval.params.useCats = use_cats
    if not use_cats:  # the slow one looks up by class
        for coco_eval in (objects, found):
            for annotation in coco_eval.dataset['annotations']:
                annotation['category_id'] = -1
        ours.params.catIds = slow.params.catIds = [-1]
    stats = run(ours)
    np.testing.assert_array_equal(stats, run(slow))
    mask_ap = run(COCOeval(objects, found, 'segm'))[0]
    assert 0 < stats[0] < (mask_ap if use_cats else 1)


def test_number_of_processes_does_not_matter() -> None:
    objects, detections = random_scene(5)
    found = objects.loadRes(detections)
    one, two = (run(BoundaryCOCOeval(objects, found, num_processes=n)) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_perfect_detections_reach_one() -> None:
    objects, _ = random_scene(6)
    perfect = [
        dict(
            image_id=a['image_id'],
            category_id=a['category_id'],
            segmentation=a['segmentation'],
            score=0.9,
        )
        for a in objects.dataset['annotations']
        if not a['iscrowd']
    ]
    assert run(BoundaryCOCOeval(objects, objects.loadRes(perfect)))[0] == pytest.approx(1)


def test_detections_beyond_the_limit_do_not_count() -> None:
    good, bad = encode(square(32, 4, 4, 10)), encode(square(32, 20, 20, 10))
    where = dict(image_id=0, category_id=1)
    objects = coco([dict(where, segmentation=good)])
    found = objects.loadRes(
        [dict(where, segmentation=s, score=v) for s, v in ((good, 0.1), (bad, 0.9))]
    )
    coco_eval = BoundaryCOCOeval(objects, found)
    coco_eval.params.maxDets = [1, 1, 1]
    coco_eval.evaluate()
    coco_eval.accumulate()
    assert coco_eval.eval['recall'].max() == 0


def test_images_without_anything_to_compare() -> None:
    where = dict(image_id=0, category_id=1, segmentation=encode(square(32, 4, 4, 10)))
    objects = coco([where], images=2)
    stray = objects.loadRes([dict(where, image_id=1, score=0.9)])
    assert run(BoundaryCOCOeval(objects, stray))[0] == 0
