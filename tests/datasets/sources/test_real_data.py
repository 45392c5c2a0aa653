"""Sources on real files: MMFEWSHOT_SEG_DATA holds fss_real, coco_real and semseg_real."""

import os
from pathlib import Path

import numpy as np
import pytest

from mmfewshot_seg.datasets.sources import Coco20iSource, FolderSource, SegDatasetSource

DATA = Path(os.environ.get('MMFEWSHOT_SEG_DATA', ''))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DATA == Path(''), reason='MMFEWSHOT_SEG_DATA is not set'),
]
CAMVID = 'Sky Building Pole Road Pavement Tree Sign Fence Car Pedestrian Bicyclist'.split()


def _check(source, step: int) -> None:
    """Pairs agree with label maps, and instances cover their class."""
    for j, class_id, area in source.pairs[::step].tolist():
        mask = source.label_map(j, (class_id,)) == 1
        assert mask.sum() == area
        assert ((source.instance_map(j, class_id) > 0) == mask).all()


def test_folder_of_123_classes():
    source = FolderSource(str(DATA / 'fss_real' / 'data'), index_dir=None)
    assert (len(source), len(source.class_names)) == (1284, 123)
    assert np.bincount(source.pairs[:, 1]).min() == 6
    _check(source, 50)


@pytest.mark.parametrize(('split', 'images', 'unlabelled'), [('train', 315, 3), ('val', 302, 2)])
def test_coco(split, images, unlabelled):
    root = DATA / 'coco_real'
    source = Coco20iSource(
        str(root / 'annotations' / f'instances_{split}.json'), str(root / split), index_dir=None
    )
    assert len(source) == images
    assert len(np.unique(source.pairs[:, 0])) == images - unlabelled
    assert len(np.unique(source.pairs[:, 1])) == 80
    _check(source, 20)


def test_camvid_through_mmseg():
    source = SegDatasetSource(
        dict(
            type='mmseg.BaseSegDataset',
            data_root=str(DATA / 'semseg_real'),
            data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val'),
            metainfo=dict(classes=CAMVID),
        ),
        index_dir=None,
    )
    assert len(source) == 101
    _check(source, 50)
