"""Segmentations that pycocotools would not survive."""

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmfewshot_seg.datasets.sources.coco_segmentation import check_segmentation, has_mask

IMAGE = {'id': 7, 'file_name': 'a.jpg', 'height': 12, 'width': 16}


def _code(counts) -> dict:
    return {'size': [12, 16], 'counts': counts}


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (None, 'has no segmentation: None; boxes alone are not enough'),
        ([0, 0, 4, 0, 4, 4], r'polygon that is no list of numbers: 0; .* list of polygons'),
        ([[0, 0, 4, None, 4, 4]], r'no list of numbers: \[0, 0, 4, None, 4, 4\]'),
        ([[0] * 7], 'a polygon with an odd number of coordinates'),
        (
            [[0, 0, 4, 0, 4, float('inf')]],
            'polygon of a.jpg has a coordinate inf, far outside its image, 16x12',
        ),
        ([[0, 0, 4, 0, 4, -1e9]], 'coordinate -1e[+]09, far outside'),
        ({'counts': [192]}, r"a run-length code without size or counts: \['counts'\]"),
        ({'size': [12, 16]}, r"a run-length code without size or counts: \['size'\]"),
        ({'size': 12, 'counts': [192]}, 'a run-length code of size 12, its image a.jpg is'),
        *((_code(counts), 'broken run-length code: .* add up to the 192 pixels') for counts in (
            [5], [-3, 195], [1.5, 190.5], ['192'], None, 'garbage~~', 'zzzz', '1', '', 'o', '\x01'
        )),
    ],
)  # fmt: skip
def test_segmentations_that_do_not_fit(segmentation, message):
    with pytest.raises(ValueError, match=f'annotation 5:? .*{message}'):
        check_segmentation('annotation 5', segmentation, IMAGE)


def test_codes_of_pycocotools_pass():
    rng = np.random.RandomState(0)
    for part in (0, 0.02, 0.5, 1):
        code = mask_utils.encode(np.asfortranarray(rng.rand(300, 211) < part, dtype=np.uint8))
        code['counts'] = code['counts'].decode()
        check_segmentation('', code, {**IMAGE, 'height': 300, 'width': 211})


def test_polygons_may_leave_the_image():
    check_segmentation('', [[-3, 0, 40.5, 0, 4, 30], []], IMAGE)


def test_what_has_a_mask():
    assert has_mask([[0, 0, 4, 0], [0, 0, 4, 0, 4, 4]]) and has_mask({'size': 0, 'counts': 0})
    assert not has_mask([]) and not has_mask([[0, 0, 4, 0]])
