import pytest

from mmfewshot_seg.classes.folds import (
    COCO_20I,
    COCO_CLASSES,
    PASCAL_5I,
    VOC_CLASSES,
    resolve_classes,
)


def test_pascal_folds_are_fives_in_voc_order():
    assert PASCAL_5I['contiguous'] == (
        ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle'),
        ('bus', 'car', 'cat', 'chair', 'cow'),
        ('diningtable', 'dog', 'horse', 'motorbike', 'person'),
        ('pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor'),
    )


def test_names_are_those_of_mmseg():
    from mmseg.datasets import PascalVOCDataset

    assert ('background', *VOC_CLASSES) == PascalVOCDataset.METAINFO['classes']


@pytest.mark.parametrize('fold', range(4))
def test_coco_folds_hold_the_published_categories(fold):
    interleaved = [COCO_CLASSES.index(name) + 1 for name in COCO_20I['interleaved'][fold]]
    contiguous = [COCO_CLASSES.index(name) + 1 for name in COCO_20I['contiguous'][fold]]
    assert interleaved == list(range(fold + 1, fold + 78, 4))
    assert contiguous == list(range(20 * fold + 1, 20 * fold + 21))


def test_coco_classes_come_in_order_of_category_id():
    # numbers 1, 12, 40, 62, 73 and 80 of the category list, ids 1, 13, 46, 72, 83 and 90
    assert len(set(COCO_CLASSES)) == 80
    picked = [COCO_CLASSES[number - 1] for number in (1, 12, 41, 63, 74, 80)]
    assert picked == ['person', 'stop sign', 'wine glass', 'tv', 'book', 'toothbrush']


@pytest.mark.parametrize('tables', [PASCAL_5I, COCO_20I])
def test_folds_share_no_class_and_cover_all(tables):
    known = VOC_CLASSES if tables is PASCAL_5I else COCO_CLASSES
    for table in tables.values():
        assert sorted(name for fold in table for name in fold) == sorted(known)


def test_resolve_keeps_the_order_given():
    assert resolve_classes(('tvmonitor', 'aeroplane'), VOC_CLASSES) == (19, 0)


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['motorbike', 'aeroplan'], r"'aeroplan' \(did you mean 'aeroplane'\?\)"),
        (['Sofa'], r"'Sofa' \(did you mean 'sofa'\?\)"),
        (['qqq'], r"'qqq' \(the 20 classes are: aeroplane, .*, cow, \.\.\.\)"),
        (['cat', 'dog', 'cat'], "class given twice: 'cat'"),
        ([], 'the list of class names is empty'),
        ('cat', "expected a list of class names, got the string 'cat'"),
    ],
)
def test_resolve_refuses(names, message):
    with pytest.raises(ValueError, match=message):
        resolve_classes(names, VOC_CLASSES)
