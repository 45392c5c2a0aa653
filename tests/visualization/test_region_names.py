"""Names in pictures: where they stand, that they do not cover one another."""

import numpy as np
import pytest

from mmfewshot_seg.visualization.region_names import write_names
from mmfewshot_seg.visualization.text import legible
from mmfewshot_seg.visualization.tiles import tile


def test_a_name_stands_in_the_largest_region() -> None:
    labels = np.zeros((100, 200), np.uint8)
    labels[5:15, 5:15] = 1
    labels[50:90, 100:190] = 1
    labels[0, :50] = 255
    picture = np.full((100, 200, 3), 80, np.uint8)
    written = write_names(picture, labels, ['cat'])
    assert (picture == 80).all()
    rows, columns = np.nonzero((written != picture).any(-1))
    assert 60 < rows.mean() < 80 and 135 < columns.mean() < 155


def test_names_stay_in_the_picture_and_apart() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[:3, 28:31], labels[:3, 31:34] = 1, 2  # side by side at the upper border
    black = np.zeros((60, 60, 3), np.uint8)
    (one, two, both) = (
        write_names(black, np.where(np.isin(labels, ways), labels, 0), ['cat', 'dog']) > 200
        for ways in ([1], [2], [1, 2])
    )
    assert one[:20].any() and two[:20].any()
    assert both.sum() == one.sum() + two.sum()  # all of both can be read
    assert (write_names(black, labels, ['a name of many letters', 'dog']) > 200).any()


def test_without_regions_nothing_is_written() -> None:
    picture = np.zeros((9, 9, 3), np.uint8)
    np.testing.assert_array_equal(write_names(picture, np.zeros((9, 9), int), ['cat']), picture)


@pytest.mark.parametrize('name', ['Äpfel & Birnen', 'зебра', 'ζέβρα', 'é́'])
def test_names_of_other_scripts_are_drawn(name) -> None:
    labels = np.zeros((80, 200), np.uint8)
    labels[20:60, 50:150] = 1
    black = np.zeros((80, 200, 3), np.uint8)
    written = write_names(black, labels, [name])
    questions = write_names(black, labels, ['?' * len(name.encode())])
    assert (written > 200).sum() > 20 and (written != questions).any()
    rows, columns = np.nonzero((written > 200).any(-1))
    assert 30 < rows.mean() < 50 and 80 < columns.mean() < 120


def test_a_number_stands_for_letters_that_no_font_has(capsys) -> None:
    labels = np.zeros((80, 200), np.uint8)
    labels[10:30, 50:150], labels[40:70, 50:150] = 1, 2
    black = np.zeros((80, 200, 3), np.uint8)
    names = ['cat', '\U000f1234']  # of private use
    expected = write_names(black, labels, ['cat', '2'])
    np.testing.assert_array_equal(write_names(black, labels, names), expected)
    assert legible(names) == ['cat', '2']


def test_captions_in_other_scripts() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    assert (tile(image, 'зебра') != tile(image, '?' * 10)).any()
    assert (tile(image, 'зебра')[20:] < 100).any()
