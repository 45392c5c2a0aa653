"""Example photographs: the annotations lie where the objects are; what is missing is named."""

import sys

import numpy as np
import pytest

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.apis.photographs import example_photographs


@pytest.fixture(scope='module')
def photographs():
    pytest.importorskip('skimage', reason='scikit-image carries the photographs')
    return {photograph.name: photograph for photograph in example_photographs()}


def _support(photograph) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) BGR as integers that may be subtracted, and the (H, W) label."""
    label = annotation_label(photograph.annotation, photograph.support.shape[:2], photograph.name)
    return photograph.support.astype(int), label


def test_images_are_what_an_inferencer_takes(photographs):
    assert list(photographs) == ['motorcycle', 'coin', 'gland']
    for photograph in photographs.values():
        for image in (photograph.support, photograph.query):
            assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
            assert image.flags.c_contiguous
        assert not np.array_equal(photograph.support, photograph.query)


@pytest.mark.parametrize(('name', 'share'), [('motorcycle', 0.28), ('coin', 0.30), ('gland', 0.07)])
def test_annotations_mark_sensible_shares(photographs, name, share):
    _, label = _support(photographs[name])
    assert (label == 1).mean() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize('name', ['motorcycle', 'coin', 'gland'])
def test_corners_lie_in_the_image(photographs, name):
    photograph = photographs[name]
    height, width = photograph.support.shape[:2]
    corners = np.concatenate([line for lines in photograph.annotation.values() for line in lines])
    assert (corners >= 0).all() and (corners <= (width, height)).all()


def test_polygons_part_the_red_tank_from_the_red_box_behind(photographs):
    image, label = _support(photographs['motorcycle'])
    red = image[..., 2] - image[..., :2].max(2) > 100
    tank, box = np.s_[190:230, 370:470], np.s_[190:240, 585:605]
    assert red[tank].sum() > 2000 and (label[tank][red[tank]] == 1).all()
    assert red[box].mean() > 0.9 and (label[box] == 0).all()


def test_circles_hold_the_bright_pixels(photographs):
    image, label = _support(photographs['coin'])
    bright = image[..., 0] > 120
    assert bright[label == 1].mean() > 0.9 and bright[label == 0].mean() < 0.12


def test_scribbles_lie_on_brown_glands_and_beside_them(photographs):
    image, label = _support(photographs['gland'])
    brown = image[..., 2] - image[..., 0]
    assert (brown[label == 1] > 0).mean() > 0.9 and (brown[label == 0] > 30).mean() < 0.1


def test_without_scikit_image_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'skimage', None)
    with pytest.raises(ImportError, match=r"scikit-image.*pip install 'mmfewshot_seg\[photos\]'"):
        example_photographs()
