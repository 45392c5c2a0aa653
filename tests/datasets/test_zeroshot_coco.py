"""Labels follow the class list; images of unseen classes are not trained on."""

import pickle

import pytest
from helpers.zeroshot_json import SPLIT, zeroshot_json
from mmengine.registry import DATASETS as ROOT_DATASETS

from mmfewshot_seg.datasets import ZeroShotCocoDataset
from mmfewshot_seg.datasets.prepare.zeroshot_json import prepare_zeroshot_json
from mmfewshot_seg.registry import DATASETS


def _dataset(path, mode: str, **options):
    defaults = dict(split=SPLIT, test_mode=mode != 'seen', data_prefix=dict(img=''), pipeline=[])
    return ZeroShotCocoDataset(ann_file=str(path), mode=mode, **{**defaults, **options})


def _labels(dataset) -> dict[int, list[str]]:
    """Class names of the objects of every image, by the labels."""
    classes = dataset.metainfo['classes']
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {info['img_id']: [classes[o['bbox_label']] for o in info['instances']] for info in infos}


@pytest.fixture
def source(tmp_path) -> str:
    return zeroshot_json(tmp_path / 'instances.json')


def test_registered_in_both_registries() -> None:
    assert DATASETS.get('ZeroShotCocoDataset') is ZeroShotCocoDataset
    assert ROOT_DATASETS.get('mmfewshot_seg.ZeroShotCocoDataset') is ZeroShotCocoDataset
    assert ROOT_DATASETS.get('mmdet.ZeroShotCocoDataset') is ZeroShotCocoDataset


@pytest.mark.parametrize('prepared', [False, True])
def test_labels_follow_the_class_list_not_the_file(source, prepared) -> None:
    path = prepare_zeroshot_json(SPLIT, test_json=source)[1].path if prepared else source
    dataset = _dataset(path, 'generalized')
    assert dataset.metainfo['classes'] == ('cat', 'zebra', 'traffic light', 'dog', 'boat')
    assert dataset.cat_ids == [14, 30, 2, 9, 4]
    labels = _labels(dataset)
    assert labels[2] == ['cat', 'dog'] and labels[3] == ['dog', 'boat', 'boat', 'dog']
    if not prepared:
        assert labels[1] == ['zebra', 'cat'] and labels[6] == ['traffic light', 'cat']


def test_modes_name_their_classes(source) -> None:
    train = prepare_zeroshot_json(SPLIT, train_json=source)[0].path
    seen, unseen = _dataset(train, 'seen'), _dataset(source, 'unseen')
    assert seen.metainfo['classes'] == tuple(SPLIT['seen'])
    assert unseen.metainfo['classes'] == tuple(SPLIT['unseen'])
    assert _labels(seen) == {1: ['zebra', 'cat'], 4: [], 5: [], 6: ['traffic light', 'cat']}
    assert _labels(unseen)[3] == ['dog', 'boat', 'boat', 'dog']
    for dataset, mode in ((seen, 'seen'), (unseen, 'unseen')):
        assert dataset.metainfo['mode'] == mode
        assert dataset.metainfo['seen_classes'] == tuple(SPLIT['seen'])
        assert dataset.metainfo['unseen_classes'] == tuple(SPLIT['unseen'])


def test_training_on_unseen_classes_is_refused(source) -> None:
    message = r'show unseen classes \(dog in 2, boat in 2\).*tools/prepare_zeroshot_coco.py'
    with pytest.raises(ValueError, match=message):
        _dataset(source, 'seen')
    assert len(_dataset(source, 'seen', test_mode=True)) == 7
    assert len(_dataset(source, 'seen', split=dict(seen=['cat']))) == 7


def test_images_without_objects_are_left_out_in_training(source) -> None:
    train = prepare_zeroshot_json(SPLIT, train_json=source)[0].path
    dataset = _dataset(train, 'seen', filter_cfg=dict(filter_empty_gt=True))
    assert set(_labels(dataset)) == {1, 6}


@pytest.mark.parametrize(
    ('mode', 'options', 'message'),
    [
        ('gzsi', {}, "mode='gzsi': the modes are seen, unseen, generalized"),
        ('unseen', dict(test_mode=False), "mode='unseen' is for tests and needs test_mode=True"),
        ('unseen', dict(split='coco_65_15'), "no category of this name: 'airplane'"),
        ('seen', dict(split='voc'), "split='voc': the splits are coco_48_17"),
        ('unseen', dict(metainfo=dict(classes=('dog',))), 'classes .* follow from split and mode'),
    ],
)
def test_mistakes(source, mode, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        _dataset(source, mode, **options)


def test_other_meta_information_and_pickling(source) -> None:
    dataset = _dataset(source, 'unseen', metainfo=dict(palette=[(1, 2, 3)] * 2))
    assert dataset.metainfo['palette'] == [(1, 2, 3)] * 2
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.metainfo == dataset.metainfo and _labels(copy) == _labels(dataset)
    assert _dataset(source, 'unseen').metainfo['palette'] == 'random'


def test_an_unseen_class_that_no_category_has(source) -> None:
    misspelt = dict(seen=SPLIT['seen'], unseen=['dgo', 'boat'])
    with pytest.raises(ValueError, match=r"'dgo' \(did .*\)\. Without its name nobody"):
        _dataset(source, 'seen', split=misspelt)
    prepared = prepare_zeroshot_json(SPLIT, train_json=source)[0].path
    assert len(_dataset(prepared, 'seen', split=misspelt)) == 4
