"""Masks in every form: what they mean by hand, equal forms, mistakes told."""

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.annotation_files import labelme_shape
from PIL import Image

from mmfewshot_seg.annotations.annotation_label import annotation_label

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


@pytest.mark.parametrize(
    'annotation', [dict(boxes=(2, 1, 7, 4)), dict(boxes=[2, 1, 7, 4]), dict(polygons=CORNERS)]
)
def test_a_single_shape_needs_no_list(annotation) -> None:
    np.testing.assert_array_equal(_label(annotation), BOX)


def test_a_pil_image_is_a_mask() -> None:
    np.testing.assert_array_equal(_label(Image.fromarray(BOX * 255)), BOX)
    classes = Image.fromarray(BOX * 15)
    np.testing.assert_array_equal(_label(classes, value=15), BOX)


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


def _labelme(path: Path, *shapes: dict, **fields) -> Path:
    path.write_text(json.dumps(dict(shapes=shapes, **fields)))
    return path


def _shape(kind: str | None, name: str, points: list) -> dict:
    kind = dict(shape_type=kind) if kind else {}
    return dict(label=name, points=points, **kind)


DOG = _shape('polygon', 'dog', [[0, 0], [8, 0], [8, 6]])
CAT = _shape('polygon', 'cat', CORNERS)


@pytest.mark.parametrize(
    'shapes',
    [
        (DOG, CAT),
        (_shape('rectangle', 'cat', [[7, 4], [2, 1]]),),
        (_shape(None, 'cat', CORNERS),),  # LabelMe takes what says nothing for a polygon
        (dict(CAT, shape_type=None),),
        (_shape('rectangle', '_background_', [[0, 0], [8, 6]]), CAT),  # the later is on top
    ],
)
def test_labelme(tmp_path, shapes) -> None:
    path = _labelme(tmp_path / 'image.json', *shapes, imageHeight=6, imageWidth=8)
    np.testing.assert_array_equal(_label(path), BOX)
    path.write_text(path.read_text(), encoding='utf-8-sig')  # as Windows writes
    np.testing.assert_array_equal(_label(path), BOX)


def test_labelme_lines(tmp_path) -> None:
    lines = [
        _shape('linestrip', 'cat', [[3, 2], [5, 2]]),
        _shape('point', 'cat', [[6, 3]]),
        _shape('line', 'background', [[0, 5], [7, 5]]),
    ]
    assert set(np.unique(_label(_labelme(tmp_path / 'image.json', *lines)))) == {0, 1, 255}


def test_labelme_cuts_holes_and_leaves_out(tmp_path) -> None:
    hole = _shape('rectangle', '_background_', [[3, 2], [5, 3]])
    void = _shape('polygon', '__ignore__', [[5, 1], [7, 1], [7, 3], [5, 3]])
    expected = BOX.copy()
    expected[2, 3:5] = 0
    expected[1:3, 5:7] = 255
    label = _label(_labelme(tmp_path / 'image.json', CAT, hole, void))
    np.testing.assert_array_equal(label, expected)


@pytest.mark.parametrize(
    ('shapes', 'message'),
    [
        ([DOG], r"no shape named 'cat', but \['dog'\]"),
        ([_shape('cube', 'cat', [[3, 2], [5, 2]])], "cube named 'cat' is not understood"),
        ([_shape('line', '__ignore__', CORNERS), CAT], "line named '__ignore__' is not underst"),
        ([dict(label='cat')], "a polygon named 'cat' has no 'points'"),
        ([dict(points=CORNERS)], r"shapes\[0\] has no 'label'"),
        (['cat'], r"shapes\[0\] has no 'label': 'cat'"),
        ([_shape('rectangle', 'cat', CORNERS[:3])], "rectangle named 'cat' has two corners"),
        ([_shape('rectangle', 'cat', [[2, 1], [7, 2], [6, 4], [1, 3]])], 'has two corners'),
        ([_shape('polygon', 'cat', [[1, 1], [2, math.nan], [3, 3]])], 'holds NaN, which'),
        ([_shape('polygon', 'cat', [[1, 1], [2, 1e300], [3, 3]])], 'has a coordinate 1e.300'),
        ([_shape('polygon', 'cat', [[1, 1], ['x', 2], [3, 3]])], 'is made of numbers'),
        ([_shape('polygon', 'cat', [[0.1, 0.1], [0.9, 0.1], [0.9, 1]])], 'counted in pixels'),
    ],
)
def test_odd_files_of_labelme_are_named(tmp_path, shapes, message) -> None:
    path = _labelme(tmp_path / 'image.json', *shapes)
    with pytest.raises(ValueError, match=message):
        _label(path)


def test_a_labelme_file_of_another_image_is_refused(tmp_path) -> None:
    path = _labelme(tmp_path / 'image.json', CAT, imageHeight=12, imageWidth=16)
    with pytest.raises(ValueError, match='image.json was drawn on an image of 16x12.* now has 8x6'):
        _label(path)
    for text in ('{}', '[]', '{"shapes": 3}', '[' * 100_000, 'null', b'\xff\xfe'):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ValueError, match=r'image\.json'):
            _label(path)


@pytest.mark.parametrize('far', [math.nan, math.inf, -math.inf, 1e9, -3e9, 81, 10**400])
@pytest.mark.parametrize('kind', ['polygons', 'boxes', 'scribbles', 'background', 'points'])
def test_far_coordinates_reach_no_drawing(kind, far) -> None:
    shape = dict(boxes=(1, 1, far, 4), points=(far, 2)).get(kind, [(1, 1), (far, 2), (3, 4)])
    with pytest.raises(ValueError, match='far outside its image, 8x6 pixels|made of numbers|x1 <'):
        _label({'scribbles': [[(0, 0)]], kind: [shape]})


def test_an_endless_outline_is_refused() -> None:
    zigzag = [(x % 2 * 4000, x % 4000) for x in range(10_000)]
    with pytest.raises(ValueError, match='outline of .* pixels'):
        annotation_label(dict(polygons=[zigzag]), (4000, 4000), 'cat')


@pytest.mark.parametrize('width', [0, -3, 2.5, 1 << 20, None, True])
def test_odd_widths_are_refused(width) -> None:
    with pytest.raises(ValueError, match='width of scribbles is a whole number from 1 to 32767'):
        _label(dict(scribbles=[[(4, 3)]], background=[[(0, 0)]], width=width))


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
        (dict(boxes=[(0.1, 0.2, 0.5, 1)]), ValueError, 'multiply x by 8 and y by 6'),
        (dict(polygons=[[(0.1, 0), (0.9, 0), (0.5, 1)]]), ValueError, 'counted in pixels'),
        (dict(polygons=[[1, 2, 3, 4, 5, 6]]), ValueError, r'list of \(x, y\) points'),
        (dict(polygons=None), ValueError, 'polygons is a list'),
        (dict(polygons=[[(0, 0), (1,), (2, 2)]]), ValueError, 'made of numbers'),
        (dict(boxes='abcd'), ValueError, 'made of numbers'),
        (dict(box=[(1, 1, 2, 2)]), ValueError, r"got \['box'\]"),
        (None, TypeError, 'not NoneType'),
    ],
)
def test_mistakes_are_told(annotation, error, message) -> None:
    with pytest.raises(error, match=message):
        _label(annotation)


def test_points_are_discs_around_their_pixels() -> None:
    shapes = dict(points=[(2.5, 1.2)], background_points=[(6, 4)], width=3)
    label = _label(shapes)
    expected = np.full(SHAPE, 255)
    expected[0:3, 1:4], expected[3:6, 5:8] = 1, 0
    corners = [(0, 1), (0, 3), (2, 1), (2, 3), (3, 5), (3, 7), (5, 5), (5, 7)]
    assert all(label[corner] in (255, expected[corner]) for corner in corners)  # a disc of 3 pixels
    expected[tuple(zip(*corners, strict=True))] = label[tuple(zip(*corners, strict=True))]
    np.testing.assert_array_equal(label, expected)
    single = _label(dict(points=(2, 1), background_points=(6, 4), width=1))
    assert (single == 1).sum() == 1 and single[1, 2] == 1 and (single == 0).sum() == 1


@pytest.mark.parametrize('point', [(9, 3), (3, 7), (-1, 2)])  # of 8 columns and 6 rows
def test_clicks_beside_the_image_are_refused(point) -> None:
    for key in ('points', 'background_points'):
        clicks = dict(points=[(2, 1)], background_points=[(6, 4)])
        clicks[key].append(point)
        with pytest.raises(ValueError, match='a point at .* lies beside its image of [0-9]*x'):
            _label(clicks)
    assert (_label(dict(points=[(2, 1)], background_points=[SHAPE[::-1]])) == 1).any()  # its corner


def test_points_without_a_width_grow_with_the_image() -> None:
    shapes = dict(points=[(500, 300)], background_points=[(10, 10)])
    label = annotation_label(shapes, (800, 1000), 'cat')
    rows, columns = np.nonzero(label == 1)
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == 15
    assert abs((label == 1).sum() - math.pi * 7.5**2) < 10


def test_labelme_circles_masks_and_points(tmp_path) -> None:
    size, path = (40, 50), tmp_path / 'image.json'
    circle = _shape('circle', 'cat', [[20, 15], [26, 23]])  # radius 10
    rows, columns = np.mgrid[:40, :50] + 0.5
    inside = (columns - 20) ** 2 + (rows - 15) ** 2 <= 100
    label = annotation_label(_labelme(path, circle), size, 'cat')
    np.testing.assert_array_equal(label == 1, inside)
    points = [
        _shape('points', 'cat', [[5, 5], [30, 30]]),
        _shape('point', 'background', [[45, 5]]),
    ]
    label = annotation_label(_labelme(path, *points), size, 'cat')
    assert (label[5, 5], label[30, 30], label[5, 45], label[20, 20]) == (1, 1, 0, 255)
    mask = labelme_shape('mask', 'cat', [46, 30, 54, 44])  # some of it outside
    expected = np.zeros(size, np.uint8)
    expected[30:, 46:] = 1
    np.testing.assert_array_equal(annotation_label(_labelme(path, mask), size, 'cat'), expected)
    ignored = dict(mask, label='__ignore__')
    label = annotation_label(_labelme(path, circle, ignored), size, 'cat')
    np.testing.assert_array_equal(label, np.where(expected, 255, inside))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(mask=None), "has no 'mask', a PNG in base64: None"),
        (dict(mask='?'), "its 'mask' is no base64"),
        (dict(mask='aGVsbG8='), 'cannot identify image'),
        (dict(points=[[2, 1], [9, 3]]), "'mask' is 5x3 pixels, between its two points are 8x3"),
        (dict(points=[[2, 1]]), 'has its upper left and its lower right pixel'),
        (dict(shape_type='circle'), None),
        (dict(shape_type='circle', points=[[2, 1]]), 'has a centre and a point of its edge'),
        (dict(shape_type='circle', points=[[2, 1], [2, 1]]), 'radii of more than 0'),
        (dict(shape_type='cube'), "a cube named 'cat' is not understood"),
    ],
)
def test_odd_masks_and_circles_of_labelme(tmp_path, change, message) -> None:
    path = _labelme(
        tmp_path / 'image.json', dict(labelme_shape('mask', 'cat', [2, 1, 7, 4]), **change)
    )
    if message is None:
        assert _label(path).any()
        return
    with pytest.raises(ValueError, match=message) as caught:
        _label(path)
    assert 'image.json' in str(caught.value)
