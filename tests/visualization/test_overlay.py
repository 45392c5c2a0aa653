"""Labels and prototypes over images: what is painted where."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.visualization.overlay import (
    COLOURS,
    PROTOTYPE_COLOURS,
    overlay,
    overlay_prototypes,
    save_label_map,
)


def test_overlay_paints_ways_and_hatches_ignored_pixels() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 10:20], labels[:, 30:] = 2, 255
    painted = overlay(image, labels)
    assert (painted[:, :8] == 100).all()
    expected = (0.5 * 100 + 0.5 * np.array(COLOURS[1])).astype(np.uint8)
    assert (painted[20, 15] == expected).all()
    assert len(np.unique(painted[:, 32:].reshape(-1, 3), axis=0)) == 2
    assert (image == 100).all()


def test_prototypes_are_painted_over_grey_with_white_borders() -> None:
    image = np.full((10, 30, 3), (200, 100, 0), np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[0, 0]
    numbers = np.zeros((10, 30), np.uint8)
    numbers[:, 10:20], numbers[:, 20:] = 1, 25
    painted = overlay_prototypes(image, numbers)
    assert (painted[:, :9] == grey).all()
    assert (painted[:, [9, 19]] == 255).all()
    assert (
        painted[:, 10:19] == (0.4 * grey + 0.6 * np.array(PROTOTYPE_COLOURS[0])).astype(int)
    ).all()
    assert (
        painted[:, 20:] == (0.4 * grey + 0.6 * np.array(PROTOTYPE_COLOURS[24])).astype(int)
    ).all()
    assert (image == (200, 100, 0)).all()


@pytest.mark.parametrize(('colours', 'number'), [(COLOURS[:20], 20), (PROTOTYPE_COLOURS, 25)])
def test_colours_can_be_told_apart(colours, number) -> None:
    lab = cv2.cvtColor(np.array([colours], np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    distances = [np.linalg.norm(a - b) for a, b in combinations(lab, 2)]
    assert len(lab) == number
    assert min(distances) > 30


def test_every_class_that_a_label_map_can_have_has_a_colour_of_its_own() -> None:
    assert len(COLOURS) == 254
    assert len({*COLOURS, (0, 0, 0), (255, 255, 255), (128, 128, 128)}) == 257


def test_more_prototypes_than_colours_begin_anew() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    first, again = (overlay_prototypes(image, np.full((4, 4), n, np.uint8)) for n in (1, 26))
    assert (first == again).all()


def test_saved_label_map_keeps_its_values_and_shows_the_colours_of_the_ways(tmp_path) -> None:
    labels = np.array([[0, 1, 2], [21, 254, 255]], np.uint8)
    save_label_map(tmp_path / 'labels.png', labels)
    image = Image.open(tmp_path / 'labels.png')
    np.testing.assert_array_equal(np.asarray(image), labels)
    colours = np.asarray(image.convert('RGB'))
    assert tuple(colours[0, 0]) == (0, 0, 0) and tuple(colours[1, 2]) == (128, 128, 128)
    assert tuple(colours[0, 2]) == COLOURS[1] and tuple(colours[1, 1]) == COLOURS[253]
