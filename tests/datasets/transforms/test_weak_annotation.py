"""Boxes and scribbles in place of masks."""

import numpy as np
import pytest

from mmfewshot_seg.datasets.transforms import (
    BoundingBoxAnnotation,
    ScribbleAnnotation,
    bounding_box_annotation,
    scribble_annotation,
)

INSTANCES = np.array(
    [
        [0, 1, 1, 0, 0, 0],
        [0, 1, 0, 0, 2, 2],
        [0, 0, 0, 2, 2, 2],
        [3, 0, 0, 0, 2, 0],
    ]
)


class WeakSource:
    """Class 4 is instance 1 and 2, class 7 instance 3."""

    def instance_map(self, j, class_id):
        assert j == 9
        return INSTANCES * np.isin(INSTANCES, {4: [1, 2], 7: [3]}[class_id])

    def scribble_map(self, j):
        scribbles = np.full((4, 6), 255)
        scribbles[0, 0] = scribbles[3, 5] = 0
        scribbles[0, 1], scribbles[1, 4:], scribbles[3, 0] = 1, 2, 3
        return scribbles


def weak_sample(way=1, role='support'):
    label = np.array([0, 1, 1, 2], np.uint8)[INSTANCES]
    label[0, 5] = 255
    return dict(
        gt_seg_map=label,
        source=WeakSource(),
        image=9,
        class_ids=(4, 7),
        way=way,
        role=role,
        img_path='a.jpg',
    )


def test_box_of_the_largest_instance():
    label = bounding_box_annotation(INSTANCES > 0, INSTANCES)
    assert label.dtype == np.uint8
    assert label.tolist() == [
        [0, 255, 255, 0, 0, 0],
        [0, 255, 255, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
        [255, 0, 0, 1, 1, 1],
    ]


def test_instances_count_within_the_foreground():
    label = bounding_box_annotation(INSTANCES == 1, INSTANCES)
    assert label.tolist() == [[0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0] * 6, [0] * 6]
    # instance 2 is cut to two pixels: instance 1 is now the larger
    foreground = (INSTANCES == 1) | ((INSTANCES == 2) & (np.arange(6) > 4))
    label = bounding_box_annotation(foreground, INSTANCES)
    assert label.tolist()[1] == [0, 1, 1, 0, 0, 255]


def test_first_of_equal_instances_and_overlapping_boxes():
    instances = np.array([[2, 1], [1, 2]])
    assert bounding_box_annotation(instances > 0, instances).tolist() == [[1, 1], [1, 1]]
    instances = np.array([[5, 3, 5]])
    assert bounding_box_annotation(instances > 0, instances).tolist() == [[1, 1, 1]]
    instances = np.array([[5, 3, 5, 3]])
    assert bounding_box_annotation(instances > 0, instances).tolist() == [[255, 1, 1, 1]]


def test_no_instance_is_all_background():
    assert not bounding_box_annotation(np.zeros((4, 6)), INSTANCES).any()


def test_scribble_of_one_instance():
    scribbles = WeakSource().scribble_map(9)
    seen = set()
    for seed in range(20):
        np.random.seed(seed)
        label = scribble_annotation(np.isin(INSTANCES, [1, 2]), scribbles)
        assert label[0, 0] == label[3, 5] == 0
        seen.add(tuple(map(tuple, np.argwhere(label == 1).tolist())))
        assert np.count_nonzero(label == 255) == 22 - np.count_nonzero(label == 1)
    assert seen == {((0, 1),), ((1, 4), (1, 5))}


def test_scribble_dilation_prefers_the_foreground():
    scribbles = np.full((3, 5), 255)
    scribbles[1, 1], scribbles[1, 3] = 1, 0
    label = scribble_annotation(np.ones((3, 5)), scribbles, dilation=1)
    assert label.tolist() == [
        [255, 1, 255, 0, 255],
        [1, 1, 1, 0, 0],
        [255, 1, 255, 0, 255],
    ]


def test_class_without_scribble():
    assert 1 not in scribble_annotation(INSTANCES == 9, WeakSource().scribble_map(9))


def test_transforms_rewrite_the_label_of_their_way():
    label = BoundingBoxAnnotation()(weak_sample(way=1))['gt_seg_map']
    assert label.dtype == np.uint8
    assert label.tolist() == [
        [0, 255, 255, 0, 0, 0],
        [0, 255, 255, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 1, 1],
    ]
    label = BoundingBoxAnnotation()(weak_sample(way=2))['gt_seg_map']
    assert np.argwhere(label).tolist() == [[3, 0]] and label[3, 0] == 2
    label = ScribbleAnnotation()(weak_sample(way=2))['gt_seg_map']
    assert label[3, 0] == 2 and label[0, 0] == 0 and np.count_nonzero(label == 255) == 21


@pytest.mark.parametrize('transform', [BoundingBoxAnnotation(), ScribbleAnnotation()])
def test_refusals(transform):
    with pytest.raises(ValueError, match='is for support_pipeline'):
        transform(weak_sample(role='query'))
    unloaded = weak_sample()
    del unloaded['gt_seg_map']
    with pytest.raises(ValueError, match="must stand after 'mmfewshot_seg.LoadEpisodeMask'"):
        transform(unloaded)
    resized = weak_sample()
    resized['gt_seg_map'] = resized['gt_seg_map'][:2]
    with pytest.raises(ValueError, match=r'a.jpg: the label has the size \(2, 6\), .*\(4, 6\)'):
        transform(resized)


def test_negative_dilation():
    with pytest.raises(ValueError, match='dilation must not be negative, got -1'):
        ScribbleAnnotation(-1)
