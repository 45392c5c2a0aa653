import os
import pickle

import numpy as np
import pytest

from mmfewshot_seg.datasets.sources import FolderSource
from mmfewshot_seg.registry import DATASETS


@pytest.fixture
def data(tmp_path, write_image, write_mask):
    """Classes apple (1, 2) and pear (1)."""
    for name, values in {
        'pear/1': [[0, 255, 0], [0, 255, 0]],
        'apple/2': [[0, 0, 0], [0, 0, 255]],
        'apple/1': [[255, 0, 255], [0, 0, 255]],
    }.items():
        write_image(tmp_path / f'{name}.jpg', 2, 3)
        write_mask(tmp_path / f'{name}.png', values)
    return tmp_path


def _open(data, **kwargs) -> FolderSource:
    return FolderSource(str(data), index_dir=None, **kwargs)


def test_classes_and_images_are_sorted(data):
    source = _open(data)
    assert source.class_names == ('apple', 'pear')
    names = [os.path.relpath(source.image_path(j), data) for j in range(len(source))]
    assert names == ['apple/1.jpg', 'apple/2.jpg', 'pear/1.jpg']
    assert source.folds is None and source.benchmark is None


def test_label_is_the_way_of_the_class(data):
    source = _open(data)
    assert source.label_map(0, (0,)).tolist() == [[1, 0, 1], [0, 0, 1]]
    assert source.label_map(2, (0, 1)).tolist() == [[0, 2, 0], [0, 2, 0]]
    assert source.label_map(2, (0,)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert source.label_map(0, (0,)).dtype == np.uint8


def test_instances_are_connected_regions(data, write_mask):
    write_mask(data / 'apple' / '1.png', [[255, 0, 255], [0, 255, 0]])
    assert _open(data).instance_map(0, 0).tolist() == [[1, 0, 1], [0, 1, 0]]  # diagonal neighbours
    write_mask(data / 'apple' / '1.png', [[255, 0, 255], [255, 0, 0]])
    instances = _open(data).instance_map(0, 0)
    assert instances.tolist() == [[1, 0, 2], [1, 0, 0]]
    assert instances.dtype == np.int32
    assert not _open(data).instance_map(0, 1).any()


def test_void_and_own_values(data, write_mask):
    for name in ('apple/1', 'apple/2', 'pear/1'):
        write_mask(data / f'{name}.png', [[9, 1, 2], [9, 1, 77]])
    source = _open(data, background_value=9, foreground_values=(1, 2), ignore_value=77)
    assert source.label_map(0, (1, 0)).tolist() == [[0, 2, 2], [0, 2, 255]]
    assert source.pairs.tolist() == [[0, 0, 3], [1, 0, 3], [2, 1, 3]]


def test_smooth_masks_need_a_threshold(data, write_mask):
    smooth = np.repeat(np.array([[0, 127, 128], [0, 255, 255]])[..., None], 3, axis=2)
    write_mask(data / 'pear' / '1.png', smooth)
    with pytest.raises(ValueError, match=r'pear/1.png .* not declared: \[127, 128\].*threshold='):
        _ = _open(data).pairs
    assert _open(data, threshold=128).label_map(2, (1,)).tolist() == [[0, 0, 1], [0, 1, 1]]


def test_an_empty_mask_gives_no_pair(data, write_mask):
    write_mask(data / 'pear' / '1.png', np.zeros((2, 3)))
    assert _open(data).pairs.tolist() == [[0, 0, 3], [1, 0, 1]]


def test_png_images_with_a_mask_suffix(tmp_path, write_image, write_mask):
    for n in (1, 2):
        write_image(tmp_path / 'pear' / f'{n}.png', 1, 2)
        write_mask(tmp_path / 'pear' / f'{n}_mask.png', [[0, 255]])
    source = _open(tmp_path, mask_suffix='_mask.png')
    assert source.pairs.tolist() == [[0, 0, 1], [1, 0, 1]]
    assert source.image_path(0).endswith('pear/1.png')


def test_files_that_are_no_images_are_passed_over(data):
    (data / 'pear' / 'notes.txt').write_text('sweet')
    (data / 'pear' / '.hidden.jpg').write_text('')
    (data / '.cache').mkdir()
    (data / 'readme.md').write_text('fruit')
    assert len(_open(data)) == 3


def test_registered_in_both_registries():
    from mmseg.registry import DATASETS as MMSEG_DATASETS

    assert DATASETS.get('mmfewshot_seg.FolderSource') is FolderSource
    assert MMSEG_DATASETS.get('FolderSource') is FolderSource


def test_a_pickled_source_gives_the_same(data):
    source = _open(data)
    pairs = source.pairs
    copy = pickle.loads(pickle.dumps(source))
    assert copy.pairs.tolist() == pairs.tolist()
    assert copy.label_map(2, (1,)).tolist() == source.label_map(2, (1,)).tolist()


def test_a_source_without_scribbles_says_so(data):
    with pytest.raises(ValueError, match='FolderSource has no scribbles; use Pascal5iSource'):
        _open(data).scribble_map(0)


def test_suffixes_in_capitals(tmp_path, write_image, write_mask):
    for suffix in ('JPG', 'jpeg'):
        write_image(tmp_path / 'pear' / f'{suffix}.{suffix}', 1, 2)
        write_mask(tmp_path / 'pear' / f'{suffix}.PNG', [[0, 255]])
    assert _open(tmp_path).pairs.tolist() == [[0, 0, 1], [1, 0, 1]]


def _two_masks(data):
    (data / 'apple' / '1.PNG').write_bytes((data / 'apple' / '1.png').read_bytes())


def _remove_mask(data):
    os.remove(data / 'apple' / '1.png')


def _remove_image(data):
    os.remove(data / 'apple' / '2.jpg')


def _remove_images(data):
    os.remove(data / 'apple' / '1.jpg')
    os.remove(data / 'apple' / '2.jpg')


def _empty_class(data):
    (data / 'zebra').mkdir()


def _one_level_too_high(data):
    (data / 'data' / 'apple').mkdir(parents=True)


def _two_images(data):
    (data / 'apple' / '1.jpeg').write_bytes((data / 'apple' / '1.jpg').read_bytes())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_remove_mask, r'image without mask: .*apple/1.jpg; expected <n>.png beside'),
        (_remove_image, r'mask without image: .*apple/2.png; expected <n>.png beside'),
        (_remove_images, r'mask without image: .*apple/1.png; .* png images need a mask_suffix'),
        (_empty_class, 'class folder .*zebra holds no images$'),
        (_one_level_too_high, 'data holds no images; data_root must be the folder of the class'),
        (_two_masks, "apple holds two masks of the stem '1'"),
        (_two_images, "apple holds two images of the stem '1'"),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_odd_folders_are_refused(data, change, message):
    change(data)
    with pytest.raises(ValueError, match=message):
        _open(data)


def test_wrong_arguments_are_refused(data, tmp_path_factory):
    with pytest.raises(FileNotFoundError, match="data_root '/no/where' is no folder"):
        _open('/no/where')
    with pytest.raises(ValueError, match='holds no folders; expected one folder per class'):
        _open(tmp_path_factory.mktemp('empty'))
    with pytest.raises(ValueError, match='a mask value has one meaning only: background 0'):
        _open(data, foreground_values=(0, 255))
