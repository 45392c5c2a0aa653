import json
import pickle

import numpy as np
import pytest
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from mmfewshot_seg.classes.folds import COCO_20I, COCO_CLASSES
from mmfewshot_seg.datasets.sources import Coco20iSource

HEIGHT, WIDTH = 12, 16


def _rectangle(x: int, y: int, width: int, height: int) -> list[int]:
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def _compressed(rows: slice, columns: slice) -> dict:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8, order='F')
    mask[rows, columns] = 1
    code = mask_utils.encode(mask)
    return {'size': code['size'], 'counts': code['counts'].decode()}


def _content() -> dict:
    """Image b: a large dog, a cat on it and a crowd of cats; image a: a cat; image c: nothing."""
    crowd = {'size': [HEIGHT, WIDTH], 'counts': [HEIGHT * 14, HEIGHT * 2]}  # last two columns
    annotations = [
        (1, 20, 18, [_rectangle(0, 0, 8, 8)], 0),  # dog, 64 pixels
        (2, 20, 17, _compressed(slice(2, 4), slice(2, 5)), 0),  # cat on the dog, 6 pixels
        (3, 20, 17, crowd, 1),  # 24 pixels
        (4, 10, 17, [_rectangle(1, 1, 2, 2), _rectangle(6, 6, 3, 1)], 0),  # 7 pixels
    ]
    return {
        'images': [
            {'id': 20, 'file_name': 'b.jpg', 'height': HEIGHT, 'width': WIDTH},
            {'id': 30, 'file_name': 'c.jpg', 'height': HEIGHT, 'width': WIDTH},
            {'id': 10, 'file_name': 'a.jpg', 'height': HEIGHT, 'width': WIDTH},
        ],
        'categories': [{'id': 18, 'name': 'dog'}, {'id': 17, 'name': 'cat'}],
        'annotations': [
            {
                'id': i,
                'image_id': image,
                'category_id': category,
                'segmentation': s,
                'iscrowd': crowd,
            }
            for i, image, category, s, crowd in annotations
        ],
    }


@pytest.fixture
def open_coco(tmp_path, write_image):
    """Opens a source of the content, after a change to it."""
    for name in 'abc':
        write_image(tmp_path / 'images' / f'{name}.jpg', HEIGHT, WIDTH)

    def open_source(change=lambda content: None) -> Coco20iSource:
        content = _content()
        change(content)
        (tmp_path / 'ann.json').write_text(json.dumps(content))
        return Coco20iSource(str(tmp_path / 'ann.json'), str(tmp_path / 'images'), index_dir=None)

    return open_source


def test_pairs_counted_by_hand(open_coco):
    source = open_coco()
    assert [source.image_path(j)[-5:] for j in range(3)] == ['a.jpg', 'b.jpg', 'c.jpg']
    assert source.class_names == ('cat', 'dog')
    assert source.pairs.tolist() == [[0, 0, 7], [1, 0, 30], [1, 1, 64]]


def test_the_smaller_class_is_on_top(open_coco):
    source = open_coco()
    expected = np.zeros((HEIGHT, WIDTH), dtype=int)
    expected[:8, :8] = 1  # dog
    expected[2:4, 2:5] = 2  # cat
    expected[:, 14:] = 2  # crowd of cats
    assert source.label_map(1, (1, 0)).tolist() == expected.tolist()
    swapped = np.array([0, 2, 1])[expected]
    assert source.label_map(1, (0, 1)).tolist() == swapped.tolist()
    assert source.label_map(1, (1,)).sum() == 64
    assert not source.label_map(2, (0, 1)).any()
    assert source.label_map(1, (1, 0)).dtype == np.uint8


def test_masks_are_those_of_pycocotools(open_coco, tmp_path):
    source = open_coco()
    coco = COCO(str(tmp_path / 'ann.json'))
    for j, image_id in enumerate((10, 20, 30)):
        for class_id, category in enumerate((17, 18)):
            annotations = coco.loadAnns(coco.getAnnIds(image_id, category, iscrowd=None))
            union = np.zeros((HEIGHT, WIDTH), dtype=bool)
            for annotation in annotations:
                union |= coco.annToMask(annotation) == 1
            assert (source.label_map(j, (class_id,)) == union).all()
            assert ((source.instance_map(j, class_id) > 0) == union).all()
            assert source.instance_map(j, class_id).max() == len(annotations)


def test_instances_are_numbered_from_the_largest(open_coco):
    instances = open_coco().instance_map(1, 0)
    assert instances.dtype == np.int32
    assert (instances[:, 14:] == 1).all() and (instances[2:4, 2:5] == 2).all()
    assert np.bincount(instances.reshape(-1)).tolist() == [HEIGHT * WIDTH - 30, 24, 6]


def test_all_80_categories_have_the_fold_tables(open_coco):
    def rename(content):
        content['categories'] = [
            {'id': 200 - i, 'name': name} for i, name in enumerate(COCO_CLASSES)
        ]
        for annotation in content['annotations']:
            annotation['category_id'] = 200 - 15  # cat

    source = open_coco(rename)
    assert source.class_names == COCO_CLASSES
    assert source.folds == COCO_20I
    assert source.benchmark == 'coco'
    assert set(source.pairs[:, 1]) == {15}


def test_folds_of_a_part_of_the_categories(open_coco):
    source = open_coco()
    assert source.folds['contiguous'] == (('cat', 'dog'), (), (), ())
    assert source.folds['interleaved'] == (('dog',), (), (), ('cat',))


def test_own_categories_have_no_folds(open_coco):
    source = open_coco(lambda content: content['categories'][0].update(name='wolf'))
    assert source.class_names == ('cat', 'wolf')
    assert source.folds is None and source.benchmark is None
    assert source.pairs.tolist()[2] == [1, 1, 64]


def test_a_pickled_source_gives_the_same(open_coco):
    source = open_coco()
    copy = pickle.loads(pickle.dumps(source))
    assert (copy.label_map(1, (1, 0)) == source.label_map(1, (1, 0))).all()


def test_polygons_without_area_are_left_out(open_coco):
    def degrade(content):
        content['annotations'][0]['segmentation'] = [[1, 1, 5, 5]]
        content['annotations'][1]['segmentation'] = []

    assert open_coco(degrade).pairs.tolist() == [[0, 0, 7], [1, 0, 24]]


def _annotation(**changes):
    return lambda content: content['annotations'][0].update(changes)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (_annotation(image_id=99), 'annotation 1 has image_id 99, which is not among the images'),
        (
            _annotation(category_id=3),
            'annotation 1 has category_id 3, which is not among the categ',
        ),
        (
            _annotation(segmentation=None),
            'annotation 1 has no segmentation: None; boxes alone are not',
        ),
        (
            _annotation(segmentation={'size': [9, 9], 'counts': [81]}),
            r'annotation 1 has a run-length code of size \[9, 9\], its image b.jpg is \[12, 16\]',
        ),
        (lambda content: content['categories'].clear(), 'has category_id'),
        (lambda content: content['images'].clear(), 'names no images'),
        (
            lambda content: content['categories'][0].update(name='cat'),
            'a category is listed twice: name cat',
        ),
    ],
)
def test_odd_content_is_refused(open_coco, change, message):
    with pytest.raises(ValueError, match=message):
        open_coco(change)


def test_the_stated_size_must_be_that_of_the_image(open_coco, write_image, tmp_path):
    write_image(tmp_path / 'images' / 'c.jpg', 5, 5)
    with pytest.raises(ValueError, match=r'c.jpg is 5x5 pixels .* its mask 16x12'):
        _ = open_coco().pairs


def test_missing_images_are_named(open_coco, tmp_path):
    (tmp_path / 'images' / 'b.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='1 files are missing: .*b.jpg'):
        _ = open_coco().pairs
    with pytest.raises(FileNotFoundError, match="img_dir '/no/where' is no folder"):
        Coco20iSource(str(tmp_path / 'ann.json'), '/no/where')


def test_boxes_without_masks_are_told_from_missing_images(open_coco):
    def empty(content):
        for annotation in content['annotations']:
            annotation['segmentation'] = []

    with pytest.raises(ValueError, match='has boxes only: all 4 segmentations are empty'):
        open_coco(empty)


def test_shares_of_the_image_are_no_pixels(open_coco):
    def shares(content):
        for annotation in content['annotations']:
            annotation['segmentation'] = [[0.1, 0.2, 0.9, 0.2, 0.5, 1]]

    with pytest.raises(ValueError, match='polygons: all coordinates are from 0 to 1; .*pixels'):
        open_coco(shares)
