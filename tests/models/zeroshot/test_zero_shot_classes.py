"""How the vectors of a detector's classes are prepared."""

import numpy as np
import pytest

from mmfewshot_seg.classes.word_vectors import WordVectors
from mmfewshot_seg.models.zeroshot.zero_shot_classes import load_classes

SPLIT = dict(seen=['cat', 'dog'], unseen=['fox'])
TABLE = WordVectors(('cat', 'dog', 'fox', 'sky'), [[4, 0], [2, 2], [5, 1], [0, 3]])


def test_vectors_stay_as_they_are() -> None:
    found = load_classes(SPLIT, TABLE)
    np.testing.assert_array_equal(found.seen, [[4, 0], [2, 2]])
    np.testing.assert_array_equal(found.unseen, [[5, 1]])
    np.testing.assert_array_equal(found.background, [3, 1])  # the mean of the seen classes
    np.testing.assert_array_equal(found.vectors_of(['sky']), [[0, 3]])


def test_the_mean_of_the_seen_classes_is_taken_off() -> None:
    found = load_classes(SPLIT, TABLE, center=True)
    np.testing.assert_array_equal(found.seen, [[1, -1], [-1, 1]])
    np.testing.assert_array_equal(found.unseen, [[2, 0]])
    np.testing.assert_array_equal(found.background, [0, 0])
    np.testing.assert_array_equal(
        load_classes(SPLIT, TABLE, None, 'sky', None, True).background, [-3, 2]
    )
    np.testing.assert_array_equal(
        load_classes(SPLIT, TABLE, None, 0, None, True).background, [0, 0]
    )


@pytest.mark.parametrize(
    'options', [{}, dict(center=True), dict(center=True, norm=2), dict(norm=3)]
)
def test_other_classes_are_prepared_like_the_first(options: dict) -> None:
    found = load_classes(SPLIT, TABLE, **options)
    np.testing.assert_allclose(found.vectors_of(['fox']), found.unseen)
    np.testing.assert_allclose(
        found.prepared(['x'], np.array([[5.0, 1.0]])), found.unseen, rtol=1e-6
    )
    if norm := options.get('norm'):
        lengths = np.linalg.norm([*found.seen, *found.unseen], axis=1)
        np.testing.assert_allclose(lengths, norm, rtol=1e-6)


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r'vectors of shape \(1, 3\), expected a row of 2 numbers'):
        load_classes(SPLIT, TABLE).prepared(['x'], np.zeros((1, 3)))
