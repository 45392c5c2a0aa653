import numpy as np
import pytest
from scipy.io import savemat

from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.datasets.sources.sbd import read_instances, read_labels

LABELS = np.array([[0, 15, 15], [7, 7, 0]], dtype=np.uint8)
OBJECTS = np.array([[0, 1, 2], [3, 3, 0]], dtype=np.uint8)


def test_structs_of_the_archive_are_read(tmp_path):
    cls, inst = str(tmp_path / 'cls.mat'), str(tmp_path / 'inst.mat')
    savemat(cls, {'GTcls': {'Segmentation': LABELS, 'CategoriesPresent': [[7], [15]]}})
    savemat(inst, {'GTinst': {'Segmentation': OBJECTS, 'Categories': [[15], [15], [7]]}})
    assert read_labels(cls).tolist() == LABELS.tolist()
    assert read_instances(inst).tolist() == OBJECTS.tolist()
    assert read_labels(cls).dtype == read_instances(inst).dtype == np.uint8


def test_a_single_row_keeps_its_shape(tmp_path):
    savemat(tmp_path / 'cls.mat', {'GTcls': {'Segmentation': LABELS[:1]}})
    assert read_labels(str(tmp_path / 'cls.mat')).shape == (1, 3)


def test_broken_and_foreign_files_are_named(tmp_path, truncate):
    path = tmp_path / 'cls.mat'
    savemat(path, {'other': LABELS})
    with pytest.raises(UnreadableImageError, match=r"cls.mat: 'GTcls'"):
        read_labels(str(path))
    truncate(path)
    with pytest.raises(UnreadableImageError, match=r'cls.mat: '):
        read_labels(str(path))


@pytest.mark.parametrize('value', [300.7, -1, 256, np.nan])
def test_labels_that_are_no_bytes_are_refused(tmp_path, value):
    path = str(tmp_path / 'cls.mat')
    savemat(path, {'GTcls': {'Segmentation': np.array([[0.0, value], [1, 2]])}})
    with pytest.raises(UnreadableImageError, match=f'cls.mat: .*whole numbers.*{value}'):
        read_labels(path)
    savemat(path, {'GTcls': {'Segmentation': np.array([[0.0, 20], [1, 2]])}})
    assert read_labels(path).tolist() == [[0, 20], [1, 2]]
