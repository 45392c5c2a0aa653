"""Files of LabelMe: read back by our reader, and by LabelMe itself where it is installed."""

import base64
import json

import cv2
import numpy as np
import pytest
from helpers.image_results import NAMES, draw_labels, image_result

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.annotations.labelme import read_labelme
from mmfewshot_seg.results.labelme_file import is_prediction, labelme_text, relative_path


@pytest.fixture
def write(tmp_path):
    """Writes a file beside its image."""

    def write(labels: np.ndarray, **options):
        cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((*labels.shape, 3), np.uint8))
        path = tmp_path / 'a.json'
        path.write_text(labelme_text(image_result(labels), 'a.png', **options), encoding='utf-8')
        return path

    return write


@pytest.mark.parametrize(('tolerance', 'least'), [(0, 1), (1, 0.9)])
def test_read_as_a_support_it_marks_the_same(write, tolerance, least) -> None:
    labels = draw_labels()
    path = write(labels, tolerance=tolerance)
    for value, name in enumerate(NAMES[:2], start=1):
        found, expected = annotation_label(path, labels.shape, name), labels == value
        assert set(np.unique(found)) == {0, 1}
        assert (expected & (found == 1)).sum() >= least * (expected | (found == 1)).sum()


def test_what_lies_in_a_hole_is_drawn_after_it(write) -> None:
    shapes = json.loads(write(draw_labels()).read_text())['shapes']
    assert [shape['label'] for shape in shapes] == ['ring', '_background_', 'disc', 'disc']
    assert {shape['shape_type'] for shape in shapes} == {'polygon'}
    assert shapes[0]['score'] == 0.75


@pytest.mark.parametrize('seed', range(4))
def test_nothing_is_lost_where_classes_are_entangled(write, seed) -> None:
    """In noise, parts that hang together by corners reach into holes of each other."""
    labels = np.random.default_rng(seed).integers(0, 4, (25, 20)).astype(np.uint8)
    path = write(labels, tolerance=0)
    found = read_labelme(path)
    np.testing.assert_array_equal(found.label_map(NAMES, labels.shape), labels)
    objects = found.objects(labels.shape)
    expected = image_result(labels).instances
    assert sorted(one.area for one in objects) == sorted(one.area for one in expected)


def test_a_part_that_reaches_into_a_hole_is_drawn_in_pieces(write) -> None:
    labels = np.zeros((6, 9), np.uint8)
    labels[[1, 1, 2, 3, 3, 2], [1, 2, 3, 2, 1, 0]] = 1  # a ring, by corners, around (2, 1), (2, 2)
    labels[[0, 0, 0, 1, 2], [8, 7, 4, 3, 2]] = 2
    labels[0, 4:9] = 2  # and a part that comes in between two of its pixels
    path = write(labels, tolerance=0)
    np.testing.assert_array_equal(read_labelme(path).label_map(NAMES, labels.shape), labels)
    shapes = json.loads(path.read_text())['shapes']
    groups = [(shape['label'], shape['group_id']) for shape in shapes]
    assert groups == [('ring', None), ('_background_', None), *3 * [('disc', 1)]]


def test_an_image_without_a_file_is_put_in(write) -> None:
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    content = json.loads(write(draw_labels(), image=image).read_text())
    data = np.frombuffer(base64.b64decode(content['imageData']), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_COLOR), image)
    assert json.loads(write(draw_labels()).read_text())['imageData'] is None


def test_a_prediction_is_one_until_a_person_changes_it(write) -> None:
    def content() -> dict:
        return json.loads(write(draw_labels()).read_text())

    assert is_prediction(content())
    saved = content()
    saved.update(version='6.0.0', imageData='...')  # what LabelMe writes anew
    assert is_prediction(saved)
    accepted = content()
    accepted['flags'] = dict(predicted=False)
    assert not is_prediction(accepted)
    moved = content()
    moved['shapes'][0]['points'][0][0] += 1
    assert not is_prediction(moved)
    named = content()
    named['shapes'][-1]['label'] = 'other'
    assert not is_prediction(named)
    emptied = content()
    emptied['shapes'] = []
    assert not is_prediction(emptied)
    assert not is_prediction(dict(version='5.0.0', flags={}, shapes=[]))
    assert not is_prediction(dict(flags=dict(predicted=True), shapes=[]))
    assert not is_prediction([1])
    assert not is_prediction(dict(content(), shapes=[1]))
    assert not is_prediction(dict(content(), shapes=[dict(label='a', shape_type='b', points='c')]))


def test_a_prediction_of_nothing_is_one(write) -> None:
    assert is_prediction(json.loads(write(np.zeros((60, 80), np.uint8)).read_text()))


def test_paths_are_seen_from_the_folder_of_the_file(tmp_path) -> None:
    (tmp_path / 'out').mkdir()
    assert relative_path(tmp_path / 'photos/a.jpg', tmp_path / 'out') == '../photos/a.jpg'


def test_labelme_reads_it(write) -> None:
    labelme = pytest.importorskip('labelme', reason='needs labelme: pip install labelme')
    labels = draw_labels()
    file = labelme.LabelFile(str(write(labels)))
    assert file.flags == dict(predicted=True)
    values = {'_background_': 0, **{name: n for n, name in enumerate(NAMES, start=1)}}
    found, _ = labelme.utils.shapes_to_label(labels.shape, file.shapes, values)
    # It counts the pixels that an outline touches to what is inside.
    near = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
    np.testing.assert_array_equal(found[~near], labels[~near])
