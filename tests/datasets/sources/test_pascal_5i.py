import pickle

import numpy as np
import pytest
from scipy.io import savemat

from mmfewshot_seg.classes.folds import PASCAL_5I
from mmfewshot_seg.datasets.sources import Pascal5iSource

# aeroplane 1, bird 3; 255 void
LABELS = {
    'a_train': [[0, 1, 1], [255, 3, 0]],
    'b_val': [[1, 1, 1], [1, 255, 255]],
    'c_sbd': [[0, 0, 3], [3, 0, 3]],
}
OBJECTS = {'a_train': [[0, 2, 5], [255, 7, 0]], 'c_sbd': [[0, 0, 4], [9, 0, 4]]}


@pytest.fixture
def trees(tmp_path, write_image, write_mask):
    """VOC with a_train and b_val; SBD with a_train, b_val and c_sbd. Returns (voc, sbd)."""
    voc, sbd = tmp_path / 'VOC2012', tmp_path / 'dataset'
    for name in LABELS:
        write_image(voc / 'JPEGImages' / f'{name}.jpg', 2, 3)
    for name in ('a_train', 'b_val'):
        write_mask(voc / 'SegmentationClass' / f'{name}.png', LABELS[name])
    write_mask(voc / 'SegmentationObject' / 'a_train.png', OBJECTS['a_train'])
    lists = voc / 'ImageSets' / 'Segmentation'
    lists.mkdir(parents=True)
    (lists / 'train.txt').write_text('a_train\n')
    (lists / 'val.txt').write_text('b_val\n')
    for folder in ('cls', 'inst'):
        (sbd / folder).mkdir(parents=True)
    savemat(sbd / 'cls' / 'c_sbd.mat', {'GTcls': {'Segmentation': np.uint8(LABELS['c_sbd'])}})
    savemat(sbd / 'inst' / 'c_sbd.mat', {'GTinst': {'Segmentation': np.uint8(OBJECTS['c_sbd'])}})
    (sbd / 'train.txt').write_text('c_sbd\nb_val\n')
    (sbd / 'val.txt').write_text('a_train\n')
    return voc, sbd


def _open(trees, **kwargs) -> Pascal5iSource:
    voc, sbd = trees
    kwargs = {'sbd_root': sbd and str(sbd), **kwargs}
    return Pascal5iSource(str(voc), index_dir=None, **kwargs)


def test_trainaug_is_train_and_sbd_without_val(trees):
    source = _open(trees)
    assert source.names == ['a_train', 'c_sbd']
    assert source.label_path(0).endswith('SegmentationClass/a_train.png')
    assert source.label_path(1).endswith('cls/c_sbd.mat')
    # aeroplane: 2 pixels in image 0; bird: 1 in image 0 and 3 in image 1
    assert source.pairs.tolist() == [[0, 0, 2], [0, 2, 1], [1, 2, 3]]
    assert source.folds is PASCAL_5I and source.benchmark == 'pascal'
    assert len(source.class_names) == 20


def test_a_trainaug_list_wins_over_the_sbd_lists(trees):
    (trees[0] / 'ImageSets' / 'Segmentation' / 'trainaug.txt').write_text('c_sbd\n')
    assert _open(trees).names == ['c_sbd']


@pytest.mark.parametrize('split', ['train', 'val'])
def test_voc_splits_need_no_sbd(trees, split):
    assert _open((trees[0], None), split=split).names == [
        {'train': 'a_train', 'val': 'b_val'}[split]
    ]


def test_a_list_file_may_hold_names_or_paths(trees, tmp_path):
    path = tmp_path / 'mine.txt'
    path.write_text('JPEGImages/b_val.jpg SegmentationClassAug/b_val.png\n\na_train\nb_val\n')
    assert _open(trees, split=str(path)).names == ['a_train', 'b_val']


def test_aug_labels_come_first(trees, write_mask):
    for name in ('a_train', 'c_sbd'):
        write_mask(trees[0] / 'SegmentationClassAug' / f'{name}.png', np.full((2, 3), 20))
    assert _open(trees).pairs.tolist() == [[0, 19, 6], [1, 19, 6]]


def test_label_map_numbers_the_ways_and_keeps_void(trees):
    source = _open(trees)
    assert source.label_map(0, (2, 0)).tolist() == [[0, 2, 2], [255, 1, 0]]
    assert source.label_map(0, (0,)).tolist() == [[0, 1, 1], [255, 0, 0]]
    assert source.label_map(0, (7,)).tolist() == [[0, 0, 0], [255, 0, 0]]
    assert source.label_map(0, (2, 0)).dtype == np.uint8


def test_instances_of_voc_and_of_sbd(trees):
    source = _open(trees)
    assert source.instance_map(0, 0).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert source.instance_map(0, 2).tolist() == [[0, 0, 0], [0, 1, 0]]
    assert source.instance_map(1, 2).tolist() == [[0, 0, 1], [2, 0, 1]]
    assert source.instance_map(1, 0).tolist() == np.zeros((2, 3)).tolist()
    assert source.instance_map(0, 0).dtype == np.int32


def test_instances_that_cover_the_image(trees, write_mask):
    write_mask(trees[0] / 'SegmentationClass' / 'a_train.png', np.ones((2, 3)))
    write_mask(trees[0] / 'SegmentationObject' / 'a_train.png', [[4, 4, 4], [6, 6, 6]])
    assert _open(trees).instance_map(0, 0).tolist() == [[1, 1, 1], [2, 2, 2]]


def test_without_instances_regions_serve(trees):
    source = _open(trees, split='val')
    assert source.instance_map(0, 0).tolist() == [[1, 1, 1], [1, 0, 0]]


def test_scribbles_get_the_number_of_their_instance(trees, write_mask, tmp_path):
    # scribbles of aeroplane on its second instance and on a bird; of bird on the bird; unscribbled
    write_mask(tmp_path / 'scribbles' / 'a_train.png', [[0, 255, 1], [255, 3, 1]])
    source = _open(trees, split='train', scribble_dir=str(tmp_path / 'scribbles'))
    # the instances of aeroplane are 1 and 2, so that of bird becomes 3
    assert source.scribble_map(0).tolist() == [[0, 255, 2], [255, 3, 255]]
    assert source.scribble_map(0).dtype == np.int32


def test_missing_scribbles_are_refused(trees, tmp_path):
    with pytest.raises(ValueError, match='scribbles need scribble_dir'):
        _open(trees).scribble_map(0)
    (tmp_path / 'scribbles').mkdir()
    source = _open(trees, scribble_dir=str(tmp_path / 'scribbles'))
    with pytest.raises(FileNotFoundError, match=r"no scribbles of image 'a_train': .*a_train.png"):
        source.scribble_map(0)


def test_a_pickled_source_gives_the_same(trees):
    source = _open(trees)
    copy = pickle.loads(pickle.dumps(source))
    assert copy.label_map(1, (2,)).tolist() == source.label_map(1, (2,)).tolist()


def test_foreign_labels_are_refused(trees, write_mask):
    write_mask(trees[0] / 'SegmentationClass' / 'a_train.png', [[0, 21, 1], [77, 1, 255]])
    with pytest.raises(
        ValueError, match=r'a_train.png holds labels that are not declared: \[21, 77\]; .* 0, 1..20'
    ):
        _ = _open(trees).pairs


def test_missing_parts_show_the_tree(trees, tmp_path):
    voc, sbd = trees
    with pytest.raises(FileNotFoundError, match=r'nowhere/JPEGImages is missing; expected\n.*VOC'):
        _open((tmp_path / 'nowhere', None))
    with pytest.raises(FileNotFoundError, match=r'gone is missing; expected\n'):
        _open((voc, tmp_path / 'gone'))
    with pytest.raises(FileNotFoundError, match=r"split 'trainaug' needs .*trainaug.txt, or sbd_r"):
        _open((voc, None))
    with pytest.raises(FileNotFoundError, match=r'Segmentation/tarin.txt is missing'):
        _open(trees, split='tarin')
    (sbd / 'cls' / 'c_sbd.mat').unlink()
    with pytest.raises(FileNotFoundError, match=r"no label of image 'c_sbd'; expected\n"):
        _open(trees)
    (voc / 'JPEGImages' / 'a_train.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r"no image 'a_train'; expected\n"):
        _open(trees, split='train')


def test_an_empty_list_is_refused(trees):
    (trees[0] / 'ImageSets' / 'Segmentation' / 'val.txt').write_text('\n')
    with pytest.raises(ValueError, match="split 'val' of .* lists no images"):
        _open(trees, split='val')
