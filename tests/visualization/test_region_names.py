"""Names in pictures: where they stand, that they do not cover one another."""

import numpy as np

from mmfewshot_seg.visualization.region_names import write_names


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
