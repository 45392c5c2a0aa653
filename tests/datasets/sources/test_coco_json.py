"""What of a COCO json is refused, by the name of file and entry."""

import json

import cv2
import numpy as np
import pytest

from mmfewshot_seg.datasets.sources.coco_json import (
    find_faults,
    find_image_faults,
    read_coco_json,
    read_lists,
)

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
    with pytest.raises(ValueError, match=f'an image is listed twice: {field} {value} '):
        read_coco_json(_write(tmp_path, json.dumps(content)))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"images": [', 'cannot be read as json: Expecting value'),
        ('', 'cannot be read as json: Expecting value'),
        ('{"images": [NaN]}', 'cannot be read as json: it holds NaN'),
        ('{"images": [-Infinity]}', 'cannot be read as json: it holds -Infinity'),
        ('[' * 100000, 'cannot be read as json: it is nested too deeply'),
        ('[]', r"is no COCO instances json, it lacks \['annotations', 'categories', 'images'\]"),
        ('{"images": 1, "annotations": [], "categories": []}', 'images is no list'),
        ('{"images": [[]], "annotations": [], "categories": []}', r'images\[0\] is no object: '),
        ('{"images": [], "annotations": [], "categories": []}', 'names no images'),
    ],
)
def test_files_that_are_something_else(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf'ann\.json:? {message}'):
        read_coco_json(_write(tmp_path, text))


def test_a_byte_order_mark_is_no_matter(tmp_path):
    path = tmp_path / 'ann.json'
    path.write_text(json.dumps(_content()), 'utf-8-sig')
    assert read_coco_json(path) == _content()


BOX = {'bbox': [1, 2, 5, 6], 'area': 30, 'segmentation': [[1, 2, 6, 2, 6, 8]]}


def _detection(**changes) -> dict:
    content = _content(annotations={**BOX, **changes})
    content['annotations'][0] = {
        key: value for key, value in content['annotations'][0].items() if value != 'gone'
    }
    return content


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'area': 'gone'}, r'annotations\[0\], id 5: area must be int \| float, got None'),
        ({'bbox': 'gone'}, r'annotations\[0\], id 5: bbox must be list, got None'),
        ({'bbox': [1, 2, 3]}, r'id 5: bbox must be \[x, y, width, height\] .* got \[1, 2, 3\]'),
        ({'bbox': [1, 2, 3, float('inf')]}, r'bbox must be .* got \[1, 2, 3, inf\]'),
        ({'id': 'gone'}, 'id None: id must be int, got None'),
        ({'id': '5'}, "id must be int, got '5'"),
        ({'id': 0}, 'annotation 0 of image 7; number annotations from 1'),
        ({'segmentation': 'gone'}, 'annotation 5 has no segmentation: None; boxes alone'),
        ({'segmentation': None}, 'annotation 5 has no segmentation: None; boxes alone'),
        ({'segmentation': []}, r'annotation 5 has no polygon of three points: \[\]; .*check_coco'),
        ({'segmentation': [1, 2, 6, 2, 6, 8]}, 'annotation 5 has a polygon that is no list .*: 1;'),
        ({'segmentation': {'size': [1, 2], 'counts': [2]}}, r'run-length code of size \[1, 2\]'),
        (
            {'image_id': '7'},
            "has image_id '7', which is not among the images; there is 7, which is",
        ),
        ({'category_id': '1'}, "category_id '1', .* not among the categories; there is 1, which"),
        ({'image_id': 8}, 'annotation 5 has image_id 8, which is not among the images; add'),
    ],
)
def test_what_detectors_need(tmp_path, changes, message):
    path = _write(tmp_path, json.dumps(_detection(**changes)).replace('Infinity', '1e999'))
    with pytest.raises(ValueError, match=rf'ann\.json: .*{message}'):
        read_coco_json(path, detection=True, masks=True)


@pytest.mark.parametrize(
    ('key', 'entry', 'message'),
    [
        ('categories', {'id': 1, 'name': 'alien'}, r'twice: id 1 \(name cat and alien\)'),
        ('categories', {'id': 2, 'name': 'cat'}, r'twice: name cat \(id 1 and 2\)'),
        ('categories', {'id': '2', 'name': 'dog'}, 'categories have ids of types int and str'),
        ('images', {**IMAGE, 'id': 'b', 'file_name': 'b'}, 'images have ids of types int and str'),
        (
            'annotations',
            {**BOX, 'id': 5, 'image_id': 7, 'category_id': 1},
            r'an annotation is listed twice: id 5 \(image_id 7 and 7\)',
        ),
    ],
)
def test_ids_and_names_are_distinct(tmp_path, key, entry, message):
    content = _detection()
    content[key].append(entry)
    with pytest.raises(ValueError, match=message):
        read_coco_json(_write(tmp_path, json.dumps(content)), detection=True)


def test_all_faults_are_found_at_once(tmp_path):
    content = _detection(segmentation=[])
    content['annotations'] += [
        {**BOX, 'id': 6, 'image_id': 7, 'category_id': 1, 'bbox': [20, 0, 5, 5]},
        {**BOX, 'id': 7, 'image_id': 9, 'category_id': 1},
        {'id': 8},
    ]
    faults = list(find_faults(read_lists(_write(tmp_path, json.dumps(content)))))
    assert [(fault.kind.name.split()[0], fault.entry) for fault in faults] == [
        ('missing', None),
        ('annotation', ('annotations', 0)),
        ('box', ('annotations', 1)),
        ('annotation', ('annotations', 2)),
    ]
    assert [fault.kind.breaks for fault in faults] == [True, True, False, True]


def _faults(tmp_path, *annotations: dict, masks: bool = True) -> list[tuple[str, bool]]:
    """Messages, and whether they break something, of annotations beside a sound one."""
    content = _detection()
    for number, annotation in enumerate(annotations, start=50):
        content['annotations'].append({**content['annotations'][0], 'id': number, **annotation})
    read = read_lists(_write(tmp_path, json.dumps(content)))
    return [(str(fault), fault.kind.breaks) for fault in find_faults(read, masks=masks)]


def test_boxes_of_two_corners(tmp_path):
    polygon = [[3, 2, 9, 2, 9, 7, 3, 7]]
    assert _faults(tmp_path, dict(segmentation=polygon, bbox=[3, 2, 6, 5])) == []
    corners = dict(segmentation=polygon, bbox=[3, 2, 9, 7])
    ((message, breaks),) = _faults(tmp_path, corners)
    assert 'annotation 50 of image 7 has bbox [3, 2, 9, 7], the corners of its polygons' in message
    assert breaks and 'bbox is [x, y, width, height]' in message
    assert _faults(tmp_path, corners, masks=False) == []
    ((message, breaks),) = _faults(tmp_path, dict(bbox=[8, 2, 10, 4]), masks=False)
    assert 'has bbox [8, 2, 10, 4], its image is 16x12 pixels' in message and not breaks


@pytest.mark.parametrize('crowd', ['0', 2, [1]])
def test_crowds_that_are_none(tmp_path, crowd):
    """MMDetection and pycocotools take the text '0' for yes, and leave the object out."""
    ((message, breaks),) = _faults(tmp_path, dict(iscrowd=crowd))
    assert f'annotation 50: iscrowd must be 0 or 1, got {crowd!r}' in message and breaks
    assert _faults(tmp_path, dict(iscrowd=None), dict(iscrowd=True), dict(iscrowd=1.0)) == []


def test_polygons_in_shares_of_the_image(tmp_path):
    content = _detection(segmentation=[[0.1, 0.2, 0.5, 0.2, 0.5, 0.9]])
    read = lambda: read_coco_json(  # noqa: E731
        _write(tmp_path, json.dumps(content)), detection=True, masks=True
    )
    read()  # one may be a speck in the corner
    content['annotations'].append({**content['annotations'][0], 'id': 6})
    with pytest.raises(ValueError, match='2 segmentations have no coordinate above 1; .* pixels'):
        read()
    content['annotations'][1]['segmentation'] = [[0, 0, 1.5, 0, 1, 1]]
    read()


def test_images_that_are_missing_swapped_or_broken(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((12, 16, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'b.jpg'), np.zeros((16, 12, 3), np.uint8))
    (tmp_path / 'c.jpg').write_text('no image')
    images = [{**IMAGE, 'id': n, 'file_name': f'{n}.jpg'} for n in 'abcd']
    faults = [str(fault) for fault in find_image_faults({'images': [*images, {}]}, tmp_path)]
    assert len(faults) == 3
    assert 'image b has height 12 and width 16' in faults[0]
    assert 'b.jpg has height 16 and width 12; correct height and width' in faults[0]
    assert 'c.jpg: cannot identify image' in faults[1]
    assert 'd.jpg does not exist; correct the folder' in faults[2]
