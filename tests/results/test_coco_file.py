"""COCO files of results, read back by pycocotools: as annotations and as detections."""

import json

import numpy as np
import pytest
from helpers.image_results import NAMES, draw_labels, image_result
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmfewshot_seg.results.coco_file import CocoFile


def read(file: CocoFile, tmp_path) -> COCO:
    path = tmp_path / 'coco.json'
    path.write_text(file.text(), encoding='utf-8')
    return COCO(str(path))


def label_map(coco: COCO, image_id: int) -> np.ndarray:
    image = coco.imgs[image_id]
    labels = np.zeros((image['height'], image['width']), np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(image_id)):
        mask = coco.annToMask(annotation) > 0
        assert mask.sum() == annotation['area'] and annotation['iscrowd'] == 0
        rows, columns = np.nonzero(mask)
        x, y, width, height = annotation['bbox']
        assert (x, y) == (columns.min(), rows.min())
        assert (width, height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)
        labels[mask] = annotation['category_id']
    return labels


@pytest.mark.parametrize('tolerance', [None, 0])
def test_the_same_pixels_come_back(tmp_path, tolerance) -> None:
    labels, file = draw_labels(), CocoFile(tolerance)
    file.add(image_result(labels, 'a', '/photos/a.jpg'))
    file.add(image_result(labels[:, ::-1], 'b', '/photos/more/b.jpg'))
    file.add(image_result(labels * 0, 'c'))
    coco = read(file, tmp_path)
    names = [coco.imgs[i]['file_name'] for i in (1, 2, 3)]
    assert names == ['a.jpg', 'more/b.jpg', 'c.png']
    assert [(one['id'], one['name']) for one in coco.loadCats([1, 2, 3])] == [*enumerate(NAMES, 1)]
    for image_id, expected in ((1, labels), (2, labels[:, ::-1]), (3, labels * 0)):
        np.testing.assert_array_equal(label_map(coco, image_id), expected)
    segmentation = coco.anns[1]['segmentation']
    assert isinstance(segmentation, dict if tolerance is None else list)


def test_annotations_are_detections_too(tmp_path) -> None:
    """Against themselves they have an average precision of 1."""
    file = CocoFile()
    file.add(image_result(draw_labels()))
    truth = read(file, tmp_path)
    detections = truth.loadRes(json.loads(file.text())['annotations'])
    assert {one['score'] for one in detections.anns.values()} == {0.75}
    evaluation = COCOeval(truth, detections, 'segm')
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval['precision'][:, :, :2, 0, 2]  # of the classes that there are
    assert precision.min() == pytest.approx(1)


def test_polygons_stay_within_the_tolerance(tmp_path) -> None:
    labels, file = draw_labels(), CocoFile(tolerance=1)
    file.add(image_result(labels))
    coco = read(file, tmp_path)
    found = np.zeros(labels.shape, np.uint8)
    for annotation in coco.anns.values():
        found[coco.annToMask(annotation) > 0] = annotation['category_id']
    assert 0 < (found != labels).mean() < 0.04


def test_names_of_other_languages_can_be_read(tmp_path) -> None:
    file = CocoFile()
    file.add(image_result(draw_labels(), path='/Bilder/Möwe.jpg'))
    assert 'Möwe.jpg' in file.text()
    assert read(file, tmp_path).imgs[1]['file_name'] == 'Möwe.jpg'
