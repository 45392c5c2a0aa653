import pickle

import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.datasets.sources import SegDatasetSource

LABELS = {'b': [[0, 0, 1], [2, 255, 1]], 'a': [[2, 2, 2], [2, 2, 2]]}


@pytest.fixture
def data(tmp_path, write_image, write_mask):
    for name, values in LABELS.items():
        write_image(tmp_path / 'img' / f'{name}.jpg', 2, 3)
        write_mask(tmp_path / 'ann' / f'{name}.png', values)
    return tmp_path


def _open(data, background=None, **dataset) -> SegDatasetSource:
    config = dict(
        type='mmseg.BaseSegDataset',
        data_root=str(data),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        metainfo=dict(classes=('sky', 'road', 'car')),
    )
    options = {key: dataset.pop(key) for key in ('palette', 'void') if key in dataset}
    return SegDatasetSource({**config, **dataset}, background, index_dir=None, **options)


def test_all_classes_without_background(data):
    source = _open(data)
    assert source.class_names == ('sky', 'road', 'car')
    assert source.image_path(0).endswith('a.jpg')
    assert source.pairs.tolist() == [[0, 2, 6], [1, 0, 2], [1, 1, 2], [1, 2, 1]]
    assert source.label_map(1, (2, 0)).tolist() == [[2, 2, 0], [1, 255, 0]]
    assert source.label_map(1, (2, 0)).dtype == np.uint8
    assert source.folds is None


def test_a_named_background_is_no_class(data):
    source = _open(data, background='road')
    assert source.class_names == ('sky', 'car')
    assert source.pairs.tolist() == [[0, 1, 6], [1, 0, 2], [1, 1, 1]]
    assert source.label_map(1, (1,)).tolist() == [[0, 0, 0], [1, 255, 0]]


def test_the_background_of_voc_is_found(data):
    (data / 'list.txt').write_text('b\na\n')
    source = _open(data, type='mmseg.PascalVOCDataset', ann_file='list.txt', metainfo=None)
    assert len(source.class_names) == 20 and source.class_names[:2] == ('aeroplane', 'bicycle')
    # the order of the list; label 1 is aeroplane
    assert source.pairs.tolist() == [[0, 0, 2], [0, 1, 1], [1, 1, 6]]


def test_reduce_zero_label_holds(data):
    source = _open(data, reduce_zero_label=True, metainfo=dict(classes=('road', 'car')))
    assert source.label_map(1, (0, 1)).tolist() == [[255, 255, 1], [2, 255, 1]]
    assert source.pairs.tolist() == [[0, 1, 6], [1, 0, 2], [1, 1, 1]]


def test_a_selection_of_classes_holds(data):
    (data / 'list.txt').write_text('b\n')
    source = _open(
        data,
        type='mmseg.PascalVOCDataset',
        ann_file='list.txt',
        metainfo=dict(classes=('bicycle', 'background')),
    )
    assert source.class_names == ('bicycle',)
    assert source.label_map(0, (0,)).tolist() == [[0, 0, 255], [1, 255, 255]]


def test_ignore_index_becomes_void(data, write_mask):
    write_mask(data / 'ann' / 'a.png', [[0, 9, 9], [1, 1, 1]])
    assert _open(data, ignore_index=9).label_map(0, (1,)).tolist() == [[0, 255, 255], [1, 1, 1]]


def test_instances_are_connected_regions(data):
    assert _open(data).instance_map(1, 0).tolist() == [[1, 1, 0], [0, 0, 0]]


def test_a_pickled_source_gives_the_same(data):
    source = _open(data)
    copy = pickle.loads(pickle.dumps(source))
    assert copy.label_map(1, (2, 0)).tolist() == source.label_map(1, (2, 0)).tolist()


def test_labels_outside_the_classes_are_refused(data, write_mask):
    write_mask(data / 'ann' / 'a.png', [[0, 3, 7], [1, 1, 255]])
    with pytest.raises(
        ValueError, match=r'a.png holds labels that are not declared: \[3, 7\]; .* 0..2 and 255'
    ):
        _ = _open(data).pairs


def test_labels_of_16_bits_do_not_wrap(data):
    labels = np.array([[259, 0, 0], [1, 1, 1]], np.uint16)
    Image.fromarray(labels).save(data / 'ann' / 'a.png')
    with pytest.raises(ValueError, match=r'a.png: mask values must be 0..255, found 0..259'):
        _ = _open(data).pairs
    Image.fromarray(labels % 256).save(data / 'ann' / 'a.png')
    with pytest.raises(ValueError, match=r'labels that are not declared: \[3\]'):
        _ = _open(data).pairs


def test_a_class_of_255_is_explained(data, write_mask):
    for name in ('a', 'b'):
        write_mask(data / 'ann' / f'{name}.png', [[0, 255, 255], [0, 0, 0]])
    meta = dict(metainfo=dict(classes=('background', 'leaf')))
    with pytest.raises(ValueError, match=r'holds 255, which is void.*palette=\[\(0, 0, 0\), \(255'):
        _ = _open(data, **meta).pairs
    source = _open(data, palette=[(0, 0, 0), (255, 255, 255)], **meta)
    assert source.pairs.tolist() == [[0, 0, 2], [1, 0, 2]]


def test_colours_become_classes(data, write_mask):
    colours = np.array([[9, 9, 9], [200, 0, 0], [0, 200, 0], [0, 0, 0]])
    for name, labels in LABELS.items():
        labels = np.where(np.array(labels) == 255, 3, labels)
        write_mask(data / 'ann' / f'{name}.png', colours[labels])
    table = dict(palette=colours[:3].tolist(), void=colours[3:].tolist())
    source = _open(data, **table)
    assert source.label_map(1, (0, 1, 2)).tolist() == [[1, 1, 2], [3, 255, 2]]
    with pytest.raises(
        ValueError, match=r'b.png has colours .* not in the palette: \[\(0, 0, 0\)\]'
    ):
        _ = _open(data, palette=table['palette']).pairs


def test_colour_labels_are_refused(data, write_mask):
    write_mask(data / 'ann' / 'a.png', np.zeros((2, 3, 3)))
    with pytest.raises(ValueError, match=r'a.png: labels are one value per pixel.* 3 channels'):
        _ = _open(data).pairs


def test_a_truncated_label_is_named(data, truncate):
    truncate(data / 'ann' / 'a.png', 0.5)
    with pytest.raises(ValueError, match=r'1 images cannot be read: .*a.png'):
        _ = _open(data).pairs


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(background='rood'), r"'rood' \(did you mean 'road'\?\)"),
        (dict(metainfo=None), 'mmseg.BaseSegDataset names no classes; give them by metainfo'),
        (dict(img_suffix='.png'), 'mmseg.BaseSegDataset has no images; check data_root'),
        (dict(data_prefix=dict(img_path='img')), r'a.jpg has no labels; give their folder as data'),
    ],
)
def test_odd_data_sets_are_refused(data, kwargs, message):
    with pytest.raises(ValueError, match=message):
        _open(data, **kwargs)


@pytest.mark.parametrize(
    ('type_', 'key', 'value'),
    [('ConcatDataset', 'datasets', [{}, {}]), ('RepeatDataset', 'dataset', {})],
)
def test_wrapped_data_sets_are_refused(type_, key, value):
    with pytest.raises(ValueError, match=f"^{type_} wraps other data sets.* config in '{key}'"):
        SegDatasetSource({'type': type_, key: value}, index_dir=None)
