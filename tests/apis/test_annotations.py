"""Masks in every form: what they mean by hand, equal forms, mistakes told."""

import json

import cv2
import numpy as np
import pytest

from mmfewshot_seg.apis.annotations import annotation_label

SHAPE = (6, 8)
BOX = np.zeros(SHAPE, np.uint8)
BOX[1:4, 2:7] = 1
CORNERS = [(2, 1), (7, 1), (7, 4), (2, 4)]


def _label(annotation, **kwargs) -> np.ndarray:
    return annotation_label(annotation, SHAPE, 'cat', **kwargs)


@pytest.mark.parametrize(
    'annotation',
    [
        BOX,
        BOX.astype(bool),
        BOX.astype(np.int64) * 255,
        dict(boxes=[(2, 1, 7, 4)]),
        dict(boxes=[(2.4, 1.9, 6.1, 3.2)]),  # every pixel that it touches
        dict(polygons=[CORNERS]),
        dict(polygons=[CORNERS], boxes=[(3, 2, 4, 3)]),
    ],
)
def test_equal_masks_in_unlike_forms(annotation) -> None:
    label = _label(annotation)
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, BOX)


def test_files_hold_what_arrays_hold(tmp_path) -> None:
    for name, mask in (('01.png', BOX), ('grey.png', BOX * 255)):
        cv2.imwrite(str(tmp_path / name), mask)
        np.testing.assert_array_equal(_label(str(tmp_path / name)), BOX)
    smooth = cv2.GaussianBlur(BOX * 255, (3, 3), 0.5)
    cv2.imwrite(str(tmp_path / 'smooth.png'), smooth)
    np.testing.assert_array_equal(_label(tmp_path / 'smooth.png', threshold=128), BOX)
    with pytest.raises(ValueError, match='mask_threshold=128'):
        _label(tmp_path / 'smooth.png')


def test_255_beside_1_is_not_annotated() -> None:
    mask = np.array([[0, 1, 255]], np.uint8)
    np.testing.assert_array_equal(annotation_label(mask, (1, 3), 'cat'), mask)


def test_scribbles_leave_the_rest_unannotated() -> None:
    label = _label(dict(scribbles=[[(1.9, 2), (4, 2.9)]], background=[[(0, 5)]], width=1))
    expected = np.full(SHAPE, 255)
    expected[2, 1:5] = 1
    expected[5, 0] = 0
    np.testing.assert_array_equal(label, expected)
    wide = _label(dict(scribbles=[[(4, 3)]], background=[[(0, 0)]]))
    assert (wide == 1).sum() > 4 and wide[3, 4] == 1


def test_labelme(tmp_path) -> None:
    def shape(kind: str, name: str, points: list) -> dict:
        return dict(label=name, shape_type=kind, points=points)

    path = tmp_path / 'image.json'
    other = shape('polygon', 'dog', [[0, 0], [8, 0], [8, 6]])
    path.write_text(json.dumps(dict(shapes=[other, shape('polygon', 'cat', CORNERS)])))
    np.testing.assert_array_equal(_label(path), BOX)
    path.write_text(json.dumps(dict(shapes=[shape('rectangle', 'cat', [[7, 4], [2, 1]])])))
    np.testing.assert_array_equal(_label(path), BOX)
    lines = [
        shape('linestrip', 'cat', [[3, 2], [5, 2]]),
        shape('point', 'cat', [[6, 3]]),
        shape('line', 'background', [[0, 5], [7, 5]]),
    ]
    path.write_text(json.dumps(dict(shapes=lines)))
    assert set(np.unique(_label(path))) == {0, 1, 255}
    path.write_text(json.dumps(dict(shapes=[other])))
    with pytest.raises(ValueError, match=r"no shape named 'cat', but \['dog'\]"):
        _label(path)
    path.write_text(json.dumps(dict(shapes=[shape('circle', 'cat', [[3, 2], [5, 2]])])))
    with pytest.raises(ValueError, match="circle named 'cat' is not understood"):
        _label(path)
    path.write_text('{}')
    with pytest.raises(ValueError, match=r'image\.json'):
        _label(path)


@pytest.mark.parametrize(
    ('annotation', 'error', 'message'),
    [
        (BOX[:, :5], ValueError, r'size \(6, 5\), its image \(6, 8\)'),
        (BOX[None], ValueError, r'shape \(H, W\), got \(1, 6, 8\)'),
        (BOX * 7, ValueError, r'found \[0, 7\]'),
        (BOX * 0, ValueError, "marks no pixel of 'cat'"),
        (dict(boxes=[(20, 20, 30, 30)]), ValueError, "marks no pixel of 'cat'"),
        (dict(boxes=[(5, 1, 2, 4)]), ValueError, 'x1 < x2'),
        (dict(polygons=[[(0, 0), (1, 1)]]), ValueError, 'polygon is a list of at least 3'),
        (dict(scribbles=[[(1, 1)]]), ValueError, 'but no background'),
        (dict(box=[(1, 1, 2, 2)]), ValueError, r"got \['box'\]"),
        (None, TypeError, 'not NoneType'),
    ],
)
def test_mistakes_are_told(annotation, error, message) -> None:
    with pytest.raises(error, match=message):
        _label(annotation)
