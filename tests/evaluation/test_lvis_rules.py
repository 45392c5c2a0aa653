"""The rules of LVIS by hand, and all figures against the LVIS package."""

import json

import numpy as np
import pytest
from pycocotools import mask as mask_api
from pycocotools.coco import COCO

from mmfewshot_seg.evaluation.lvis_metric import old_numpy_float
from mmfewshot_seg.evaluation.lvis_rules import (
    LVISRulesCOCOeval,
    best_per_image,
    check_lvis_annotations,
)

ABSENT, PARTIAL = 'neg_category_ids', 'not_exhaustive_category_ids'


def rectangle(top: int, left: int, height: int, width: int, size: int = 128) -> dict:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + height, left : left + width] = 1
    rle = mask_api.encode(np.asfortranarray(mask))
    return dict(rle, counts=rle['counts'].decode())


def annotations(images: list[dict], objects: list[tuple], classes: int = 3) -> dict:
    """Dict of an LVIS file; ``objects`` are (image, class, rectangle)."""
    return dict(
        images=[
            dict({ABSENT: [], PARTIAL: []}, height=128, width=128, **image) for image in images
        ],
        categories=[dict(id=c, name=f'class {c}', frequency='f') for c in range(1, classes + 1)],
        annotations=[
            dict(
                id=i + 1,
                image_id=image,
                category_id=class_id,
                segmentation=segmentation,
                area=float(mask_api.area(segmentation)),
                bbox=mask_api.toBbox(segmentation).tolist(),
            )
            for i, (image, class_id, segmentation) in enumerate(objects)
        ],
    )


def detection(image: int, class_id: int, segmentation: dict, score: float) -> dict:
    return dict(image_id=image, category_id=class_id, segmentation=segmentation, score=score)


def evaluate(dataset: dict, detections: list[dict]) -> LVISRulesCOCOeval:
    coco_gt = COCO()
    coco_gt.dataset = dataset
    coco_gt.createIndex()
    found = coco_gt.loadRes([dict(d) for d in best_per_image(detections)])
    coco_eval = LVISRulesCOCOeval(coco_gt, found)
    coco_eval.evaluate()
    coco_eval.accumulate()
    return coco_eval


def class_ap(coco_eval: LVISRulesCOCOeval, class_index: int = 0) -> float:
    return float(coco_eval.eval['precision'][:, :, class_index, 0, -1].mean())


SOMETHING, ELSEWHERE = rectangle(10, 10, 30, 30), rectangle(70, 70, 20, 20)
FALSE_THEN_TRUE = [detection(1, 1, ELSEWHERE, 0.9), detection(0, 1, SOMETHING, 0.8)]


@pytest.mark.parametrize(
    ('lists', 'expected'),
    [
        ({}, 1.0),  # nobody looked for the class in image 1
        ({ABSENT: [1]}, 0.5),  # it is known not to be there
        ({ABSENT: [2]}, 1.0),
    ],
)
def test_what_was_not_looked_for_does_not_count(lists, expected) -> None:
    dataset = annotations([dict(id=0), dict(lists, id=1)], [(0, 1, SOMETHING)])
    assert class_ap(evaluate(dataset, FALSE_THEN_TRUE)) == pytest.approx(expected)


@pytest.mark.parametrize(('lists', 'expected'), [({}, 0.5), ({PARTIAL: [1]}, 1.0)])
def test_unmatched_is_ignored_where_not_all_was_annotated(lists, expected) -> None:
    dataset = annotations([dict(lists, id=0)], [(0, 1, SOMETHING)])
    detections = [detection(0, 1, ELSEWHERE, 0.9), detection(0, 1, SOMETHING, 0.8)]
    assert class_ap(evaluate(dataset, detections)) == pytest.approx(expected)


def test_an_empty_mask_is_no_false_positive() -> None:
    dataset = annotations([dict(id=0)], [(0, 1, SOMETHING)])
    detections = [
        detection(0, 1, rectangle(0, 0, 0, 0), 0.9),
        detection(0, 1, SOMETHING, 0.8),
    ]
    assert class_ap(evaluate(dataset, detections)) == pytest.approx(1)


def test_the_best_of_an_image_whatever_their_class() -> None:
    detections = [detection(i % 2, i % 3, SOMETHING, i / 10) for i in range(10)]
    assert sorted(d['score'] for d in best_per_image(detections, 2)) == [0.6, 0.7, 0.8, 0.9]


def test_annotations_without_the_lists_are_refused() -> None:
    coco_gt = COCO()
    coco_gt.dataset = dict(images=[dict(id=3)])
    with pytest.raises(ValueError, match="my.json is no LVIS .*image 3 lacks 'neg_category_ids'"):
        check_lvis_annotations(coco_gt, 'my.json')


@pytest.mark.parametrize('seed', range(3))
def test_same_as_the_lvis_package(tmp_path, seed) -> None:
    """Empty masks among the detections too."""
    lvis = pytest.importorskip('lvis')
    rng = np.random.RandomState(seed)
    images = [
        {
            'id': i,
            ABSENT: [c for c in (1, 2, 3) if rng.rand() < 0.3],
            PARTIAL: [c for c in (1, 2, 3) if rng.rand() < 0.3],
        }
        for i in range(5)
    ]
    objects, detections = [], []
    for i in range(5):
        for _ in range(4):
            place = rng.randint(0, 60, 2).tolist() + rng.randint(10, 64, 2).tolist()
            objects.append((i, int(rng.randint(1, 4)), rectangle(*place)))
        for _ in range(320):
            image, class_id, _ = objects[-1 - rng.randint(4)]
            place = np.add(place, rng.randint(-3, 4, 4)).clip(1, 64)
            class_id = class_id if rng.rand() < 0.7 else int(rng.randint(1, 4))
            detections.append(detection(image, class_id, rectangle(*place), float(rng.rand())))
    detections += [detection(i, 1, rectangle(0, 0, 0, 0), float(rng.rand())) for i in range(5)] * 9
    detections += [detection(i, c, rle, 0.5 + rng.rand() / 2) for i, c, rle in objects]
    dataset = annotations(images, objects)

    (tmp_path / 'lvis.json').write_text(json.dumps(dataset))
    theirs = lvis.LVISEval(str(tmp_path / 'lvis.json'), [dict(d) for d in detections], 'segm')
    with old_numpy_float():
        theirs.run()
    ours = evaluate(dataset, detections)
    np.testing.assert_allclose(
        ours.eval['precision'][..., 0], theirs.eval['precision'], rtol=0, atol=1e-12
    )
    assert 0.05 < theirs.results['AP'] < 0.95


def test_the_annotations_get_no_crowds() -> None:
    dataset = annotations([{'id': 0}], [(0, 1, SOMETHING)])
    evaluate(dataset, [detection(0, 1, SOMETHING, 0.8)])
    assert 'iscrowd' not in dataset['annotations'][0]
