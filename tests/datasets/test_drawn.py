"""The drawn data set: its classes, its scenes and its files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.random import RandomState
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from mmfewshot_seg.datasets.drawn import (
    ATTRIBUTE_NAMES,
    BASE_CLASSES,
    CLASS_NAMES,
    CLASSES,
    NOVEL_CLASSES,
    SEEN_CLASSES,
    UNSEEN_CLASSES,
    attribute_vectors,
    draw_dataset,
    draw_scene,
    writer,
)

NOVEL_IDS = {i for i, c in enumerate(CLASSES) if c.novel}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def drawn(tmp_path_factory) -> Path:
    return draw_dataset(
        tmp_path_factory.mktemp('drawn') / 'data', num_train=6, num_test=5, size=(72, 96), seed=3
    )


def test_classes_are_distinct_combinations():
    assert len(CLASSES) == len(set(CLASS_NAMES)) == 72
    assert len({c.shape for c in CLASSES}) == 12
    assert len({c.texture for c in CLASSES}) == len({c.color for c in CLASSES}) == 6
    assert len({(c.shape, c.texture) for c in CLASSES}) == 72
    assert CLASSES[0].name == 'red-plain-arrow'


def test_novel_classes_recombine_attributes_of_base_classes():
    assert len(NOVEL_CLASSES) == 15
    assert sorted((*BASE_CLASSES, *NOVEL_CLASSES)) == sorted(CLASS_NAMES)
    assert not set(BASE_CLASSES) & set(NOVEL_CLASSES)
    for attribute in ('shape', 'texture', 'color'):
        every = {getattr(c, attribute) for c in CLASSES}
        assert {getattr(c, attribute) for c in CLASSES if not c.novel} == every
    pairs = {(c.texture, c.color) for c in CLASSES if not c.novel}
    assert {(c.texture, c.color) for c in CLASSES if c.novel} <= pairs


def test_unseen_classes_share_an_attribute_at_most_with_a_seen_class():
    assert sorted((*SEEN_CLASSES, *UNSEEN_CLASSES)) == sorted(CLASS_NAMES)
    unseen = np.array([c.unseen for c in CLASSES])
    assert unseen.sum() == 12
    vectors = attribute_vectors()
    assert (vectors[~unseen] @ vectors[unseen].T).max() == 1
    assert vectors[~unseen].any(0).all()


def test_attribute_vectors_name_shape_texture_and_color():
    vectors = attribute_vectors()
    assert vectors.shape == (72, len(ATTRIBUTE_NAMES)) and (vectors.sum(axis=1) == 3).all()
    assert len(np.unique(vectors, axis=0)) == 72
    star = CLASS_NAMES.index('yellow-checked-star')
    named = {name for name, value in zip(ATTRIBUTE_NAMES, vectors[star], strict=True) if value}
    assert named == {'yellow', 'checked', 'star'}


def test_scene_objects_are_visible_and_within_size_limits():
    for i in range(12):
        scene = draw_scene(80, 64, [range(72)], RandomState([i]))
        assert scene.image.shape == (80, 64, 3) and scene.image.dtype == np.uint8
        assert 2 <= len(scene.class_ids) <= 6
        areas = np.bincount(scene.instances.ravel())[1:] / scene.instances.size
        assert len(areas) == len(scene.class_ids)
        assert areas.min() >= 0.01 and areas.max() <= 0.40


def test_scene_label_map_carries_the_class_of_each_instance():
    scene = draw_scene(64, 64, [range(5, 9)], RandomState(0))
    for n, class_id in enumerate(scene.class_ids, start=1):
        assert set(scene.label_map[scene.instances == n]) == {class_id + 1}
        assert class_id in range(5, 9)
    assert (scene.label_map[scene.instances == 0] == 0).all()


def test_scene_draws_from_groups_equally_often():
    scenes = [draw_scene(64, 64, [[0], range(1, 72)], RandomState([i])) for i in range(20)]
    first = [class_id == 0 for scene in scenes for class_id in scene.class_ids]
    assert 0.3 < np.mean(first) < 0.7


def test_plain_object_shows_its_color():
    red = CLASS_NAMES.index('red-plain-arrow')
    scene = draw_scene(96, 96, [[red]], RandomState(1))
    blue, green, red = scene.image[scene.instances > 0].mean(axis=0)
    assert red > 2 * green and red > 2 * blue


def test_equal_settings_give_equal_files(drawn, tmp_path):
    again = draw_dataset(tmp_path / 'again', num_train=6, num_test=5, size=(72, 96), seed=3)
    assert _files(again) == _files(drawn)


def test_fewer_images_are_the_first_ones_and_other_seeds_differ(drawn, tmp_path):
    fewer = draw_dataset(tmp_path / 'fewer', num_train=2, num_test=1, size=(72, 96), seed=3)
    other = draw_dataset(tmp_path / 'other', num_train=2, num_test=1, size=(72, 96), seed=4)
    images = {k: v for k, v in _files(fewer).items() if k.startswith(('images', 'labels'))}
    assert len(images) == 6
    reference, changed = _files(drawn), _files(other)
    assert all(reference[name] == content for name, content in images.items())
    assert all(changed[name] != content for name, content in images.items())


@pytest.mark.parametrize('split, count', [('train', 6), ('test', 5)])
def test_coco_instances_agree_with_label_maps(drawn, split, count):
    coco = COCO(str(drawn / f'annotations/instances_{split}.json'))
    assert len(coco.imgs) == count
    for image_id, image in coco.imgs.items():
        assert (image['height'], image['width']) == (72, 96)
        pixels = cv2.imread(str(drawn / f'images/{split}' / image['file_name']))
        assert pixels.shape == (72, 96, 3)
        stem = Path(image['file_name']).stem
        labels = cv2.imread(str(drawn / f'labels/{split}/{stem}.png'), cv2.IMREAD_UNCHANGED)
        assert labels.dtype == np.uint8
        painted = np.zeros_like(labels)
        for annotation in coco.imgToAnns[image_id]:
            mask = coco.annToMask(annotation).astype(bool)
            assert not painted[mask].any()  # visible masks do not overlap
            painted[mask] = annotation['category_id']
            rows, cols = np.nonzero(mask)
            box = [cols.min(), rows.min(), np.ptp(cols) + 1, np.ptp(rows) + 1]
            assert annotation['bbox'] == box and annotation['area'] == mask.sum()
            assert coco_mask.area(annotation['segmentation']) == annotation['area']
        np.testing.assert_array_equal(painted, labels)


def test_objects_are_the_instances_without_their_classes(drawn):
    instances, objects = (
        json.loads((drawn / f'annotations/{name}_train.json').read_text())
        for name in ('instances', 'objects')
    )
    assert [category['name'] for category in objects['categories']] == ['object']
    for annotation in instances['annotations']:
        annotation['category_id'] = 1
    assert objects['annotations'] == instances['annotations']


def test_held_out_classes_are_in_the_test_images_only(drawn, tmp_path):
    def labels(folder, split):
        paths = sorted((folder / f'labels/{split}').iterdir())
        maps = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
        return {int(n) - 1 for n in np.unique(maps) if n}

    assert not labels(drawn, 'train') & NOVEL_IDS
    assert labels(drawn, 'test') & NOVEL_IDS and labels(drawn, 'test') - NOVEL_IDS
    every = draw_dataset(tmp_path / 'all', 6, 1, 64, train_classes='all')
    assert labels(every, 'train') & NOVEL_IDS
    zero_shot = draw_dataset(tmp_path / 'seen', 6, 6, 64, train_classes='seen')
    unseen = {i for i, c in enumerate(CLASSES) if c.unseen}
    assert not labels(zero_shot, 'train') & unseen and labels(zero_shot, 'train') & NOVEL_IDS
    assert labels(zero_shot, 'test') & unseen and labels(zero_shot, 'test') - unseen


def test_descriptions_agree_with_the_classes(drawn):
    def lines(name):
        return (drawn / name).read_text().splitlines()

    assert lines('classes.txt') == list(CLASS_NAMES)
    assert lines('seen.txt') == list(SEEN_CLASSES)
    assert lines('unseen.txt') == list(UNSEEN_CLASSES)
    assert lines('base.txt') == list(BASE_CLASSES) and lines('novel.txt') == list(NOVEL_CLASSES)
    rows = [line.split() for line in lines('attributes.txt')]
    assert [row[0] for row in rows] == list(CLASS_NAMES)
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], float), attribute_vectors())
    assert lines('attribute_names.txt') == list(ATTRIBUTE_NAMES)
    content = json.loads((drawn / 'annotations/instances_train.json').read_text())
    assert [c['id'] for c in content['categories']] == list(range(1, 73))
    assert [c['name'] for c in content['categories']] == list(CLASS_NAMES)


def test_existing_data_set_is_kept_or_refused(drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob('*')}
    assert draw_dataset(drawn, 6, 5, (72, 96), seed=3) == drawn
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob('*')} == before
    with pytest.raises(FileExistsError, match=r'other settings \(seed 3, asked for 5\): remove it'):
        draw_dataset(drawn, 6, 5, (72, 96), seed=5)


def test_foreign_folder_is_refused_and_empty_folder_used(tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/thesis.txt').write_text('important')
    with pytest.raises(FileExistsError, match='mine exists and is not a drawn data set'):
        draw_dataset(tmp_path / 'mine', 1, 1, 64)
    (tmp_path / 'empty').mkdir()
    assert (draw_dataset(tmp_path / 'empty', 1, 1, 64) / 'settings.json').exists()


def test_fewer_objects_of_the_same_kind() -> None:
    scenes = [draw_scene(64, 64, [range(72)], RandomState(i), max_objects=1) for i in range(8)]
    assert {len(scene.class_ids) for scene in scenes} == {1}
    areas = [np.count_nonzero(scene.instances) / 64**2 for scene in scenes]
    assert min(areas) < 0.1 < 0.2 < max(areas)


def test_nothing_is_left_of_a_drawing_that_fails(tmp_path, monkeypatch):
    def fail_at_last(split, i, settings):
        if (split, i) == ('test', 0):
            raise KeyboardInterrupt
        return draw_one(split, i, settings)

    draw_one = writer._scene
    monkeypatch.setattr(writer, '_scene', fail_at_last)
    with pytest.raises(KeyboardInterrupt):
        draw_dataset(tmp_path / 'data', 1, 1, 64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(num_train=0), 'num_train=0: draw at least one image'),
        (dict(num_test=-1), 'num_test=-1: draw at least one image'),
        (dict(size=32), r'size=\[32, 32\]: draw at least 64 pixels a side'),
        (dict(seed=-1), 'seed=-1: give an integer from 0'),
        (dict(train_classes='novel'), "train_classes='novel': give one of base, seen, all"),
        (dict(max_objects=7), 'max_objects=7: give 1 to 6'),
    ],
)
def test_bad_arguments_are_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_dataset(tmp_path / 'data', **arguments)
    assert list(tmp_path.iterdir()) == []
