"""Polygons of real masks, drawn again: MMFEWSHOT_SEG_DATA holds fss_real."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.image_results import image_result

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.results.labelme_file import labelme_text

DATA = Path(os.environ.get('MMFEWSHOT_SEG_DATA', ''))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DATA == Path(''), reason='MMFEWSHOT_SEG_DATA is not set'),
]


@pytest.mark.parametrize(('tolerance', 'mean', 'least'), [(0, 1, 1), (1, 0.985, 0.95)])
def test_a_support_again_is_the_mask_within_the_tolerance(tmp_path, tolerance, mean, least) -> None:
    ious, corners = [], []
    for path in sorted((DATA / 'fss_real/data').glob('*/*.png'))[::20]:
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127
        result = image_result(mask.astype(np.uint8))
        (tmp_path / 'a.json').write_text(labelme_text(result, 'a.jpg', tolerance=tolerance))
        found = annotation_label(tmp_path / 'a.json', mask.shape, 'ring') == 1
        ious.append((found & mask).sum() / (found | mask).sum())
        for instance in result.instances:
            outer, holes = instance.rings(tolerance)
            corners.append(sum(map(len, (outer, *holes))))
    print(f'tolerance {tolerance}: IoU {np.mean(ious):.4f}, least {min(ious):.4f}', end=', ')
    print(f'{np.mean(corners):.0f} corners a part, {len(ious)} masks')
    assert np.mean(ious) >= mean and min(ious) >= least
