"""What of a COCO json is refused, by the name of file and entry."""

import json

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmfewshot_seg.datasets.sources.coco_json import check_segmentation, read_coco_json

IMAGE = {'id': 7, 'file_name': 'a.jpg', 'height': 12, 'width': 16}


def _content(**changes) -> dict:
    content = {
        'images': [dict(IMAGE)],
        'categories': [{'id': 1, 'name': 'cat'}],
        'annotations': [{'id': 5, 'image_id': 7, 'category_id': 1, 'segmentation': []}],
    }
    for key, entry in changes.items():
        content[key][0].update(entry)
    return content


def _write(folder, text: str) -> str:
    (folder / 'ann.json').write_text(text)
    return str(folder / 'ann.json')


def test_content_is_passed_on(tmp_path):
    assert read_coco_json(_write(tmp_path, json.dumps(_content()))) == _content()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'images': {'id': None}}, r'images\[0\], id None: id must be int \| str, got None'),
        ({'images': {'file_name': 3}}, 'id 7: file_name must be str, got 3'),
        ({'images': {'height': None}}, 'id 7: height must be int, got None'),
        ({'images': {'height': 12.5}}, 'id 7: height must be int, got 12.5'),
        ({'images': {'width': '16'}}, "id 7: width must be int, got '16'"),
        ({'images': {'width': True}}, 'id 7: width must be int, got True'),
        ({'images': {'width': 0}}, 'image 7 has height 12 and width 0, expected at least 1'),
        ({'categories': {'name': None}}, r'categories\[0\], id 1: name must be str, got None'),
        ({'annotations': {'image_id': None}}, r'annotations\[0\], id 5: image_id must be int'),
        ({'annotations': {'category_id': [1]}}, r'id 5: category_id must be int .* got \[1\]'),
    ],
)
def test_fields_that_are_missing_or_odd(tmp_path, changes, message):
    with pytest.raises(ValueError, match=rf'ann\.json: .*{message}'):
        read_coco_json(_write(tmp_path, json.dumps(_content(**changes))))


@pytest.mark.parametrize(
    ('field', 'value'), [('file_name', 'a.jpg'), ('id', 7)], ids=['file_name', 'id']
)
def test_images_are_distinct(tmp_path, field, value):
    content = _content()
    content['images'].append({**IMAGE, 'id': 8, 'file_name': 'b.jpg', field: value})
    with pytest.raises(ValueError, match=f'lists an image twice: {field} {value}'):
        read_coco_json(_write(tmp_path, json.dumps(content)))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"images": [', 'cannot be read as json: Expecting value'),
        ('', 'cannot be read as json: Expecting value'),
        ('{"images": [NaN]}', 'cannot be read as json: it holds NaN'),
        ('{"images": [-Infinity]}', 'cannot be read as json: it holds -Infinity'),
        ('[]', r"is no COCO instances json, it lacks \['annotations', 'categories', 'images'\]"),
        ('{"images": 1, "annotations": [], "categories": []}', 'images is no list'),
        ('{"images": [[]], "annotations": [], "categories": []}', r'images\[0\] is no object: '),
        ('{"images": [], "annotations": [], "categories": []}', 'names no images'),
    ],
)
def test_files_that_are_something_else(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf'ann\.json:? {message}'):
        read_coco_json(_write(tmp_path, text))


def _code(counts) -> dict:
    return {'size': [12, 16], 'counts': counts}


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (None, 'has no segmentation; boxes alone are not enough'),
        ([0, 0, 4, 0, 4, 4], r'polygon that is no list of numbers: 0; .* list of polygons'),
        ([[0, 0, 4, None, 4, 4]], r'no list of numbers: \[0, 0, 4, None, 4, 4\]'),
        ([[0] * 7], 'a polygon with an odd number of coordinates'),
        (
            [[0, 0, 4, 0, 4, float('inf')]],
            'polygon of a.jpg has a coordinate inf, far outside its image, 16x12',
        ),
        ([[0, 0, 4, 0, 4, -1e9]], 'coordinate -1e[+]09, far outside'),
        ({'counts': [192]}, r"a run-length code without size or counts: \['counts'\]"),
        ({'size': [12, 16]}, r"a run-length code without size or counts: \['size'\]"),
        ({'size': 12, 'counts': [192]}, 'a run-length code of size 12, its image a.jpg is'),
        *((_code(counts), 'broken run-length code: .* add up to the 192 pixels') for counts in (
            [5], [-3, 195], [1.5, 190.5], ['192'], None, 'garbage~~', 'zzzz', '1', '', 'o', '\x01'
        )),
    ],
)  # fmt: skip
def test_segmentations_that_do_not_fit(segmentation, message):
    with pytest.raises(ValueError, match=f'annotation 5:? .*{message}'):
        check_segmentation('annotation 5', segmentation, IMAGE)


def test_codes_of_pycocotools_pass():
    rng = np.random.RandomState(0)
    for part in (0, 0.02, 0.5, 1):
        code = mask_utils.encode(np.asfortranarray(rng.rand(300, 211) < part, dtype=np.uint8))
        code['counts'] = code['counts'].decode()
        check_segmentation('', code, {**IMAGE, 'height': 300, 'width': 211})


def test_polygons_may_leave_the_image():
    check_segmentation('', [[-3, 0, 40.5, 0, 4, 30], []], IMAGE)
