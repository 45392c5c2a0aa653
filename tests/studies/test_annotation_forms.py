"""Annotations made of masks are what they are called, and IoU is of sums over a class's queries."""

import numpy as np
import pytest
from helpers.class_folder import draw_class_folder

from mmfewshot_seg.annotations import annotation_label
from mmfewshot_seg.studies.annotation_forms import box, clicks, compare_forms

LABEL = np.zeros((20, 30), np.uint8)
LABEL[5:9, 10:22] = 1
LABEL[:, 25:] = 255


def test_clicks_are_on_and_off_the_object() -> None:
    points = clicks(4)(LABEL, np.random.default_rng(0))
    for name, value in (('points', 1), ('background_points', 0)):
        columns, rows = np.floor(points[name]).astype(int).T
        assert (LABEL[rows, columns] == value).all() and len(set(zip(columns, rows))) == 4  # noqa: B905
    label = annotation_label(dict(points, width=1), LABEL.shape, 'cat')
    assert (label == 1).sum() == (label == 0).sum() == 4
    assert len(clicks(99)(LABEL, np.random.default_rng(0))['points']) == 48


def test_a_box_is_around_all_of_it() -> None:
    assert box(LABEL, np.random.default_rng(0)) == dict(boxes=(10, 5, 22, 9))


class _Inferencer:
    """Finds the left half of every image."""

    def fit_support(self, images, masks, class_names):
        self.seen = len(images), len(masks), set(class_names)

    def __call__(self, paths, support):
        label = np.zeros((50, 60), np.uint8)
        label[:, :30] = 1
        return dict(predictions=[dict(label_map=label) for _ in paths])


def test_iou_is_of_sums(tmp_path) -> None:
    draw_class_folder(tmp_path, num_images=3)
    inferencer = _Inferencer()
    forms = {'mask': lambda label, rng: label}
    figures = compare_forms(inferencer, tmp_path, ['square'], forms)
    # Squares of 16 x 16 with the corner at x = 25 and 30: 5 columns of one are in the left half.
    assert inferencer.seen == (1, 1, {'square'})
    assert figures == {'mask': pytest.approx(5 * 16 / (2 * 1500 + 11 * 16 + 16 * 16))}
    with pytest.raises(ValueError, match="'square' has 3 images, 5 are needed"):
        compare_forms(inferencer, tmp_path, ['square'], forms, shots=2, queries=3)
