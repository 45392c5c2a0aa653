"""Class lists: those of the benchmarks, those of users, categories by name."""

import pytest

from mmfewshot_seg.classes.folds import COCO_CLASSES
from mmfewshot_seg.classes.zeroshot_splits import (
    SPLITS,
    ZeroShotSplit,
    category_ids,
    label_difference,
    plain_name,
    resolve_split,
)


@pytest.mark.parametrize(
    ('name', 'num_seen', 'num_unseen', 'neither'), [('48_17', 48, 17, 15), ('65_15', 65, 15, 0)]
)
def test_benchmarks_split_the_classes_of_coco(name, num_seen, num_unseen, neither) -> None:
    split = SPLITS[f'coco_{name}']
    assert (len(split.seen), len(split.unseen)) == (num_seen, num_unseen)
    both = set(split.seen) | set(split.unseen)
    assert both <= set(COCO_CLASSES) and len(COCO_CLASSES) - len(both) == neither


def test_order_is_the_published_one() -> None:
    """65 and 15 are in COCO's order, 48 and 17 are not."""
    for classes in (SPLITS['coco_65_15'].seen, SPLITS['coco_65_15'].unseen):
        assert sorted(classes, key=COCO_CLASSES.index) == list(classes)
    assert SPLITS['coco_48_17'].seen[38:41] == ('toothbrush', 'train', 'bear')
    assert SPLITS['coco_48_17'].unseen[-3:] == ('airplane', 'cat', 'snowboard')


def test_modes_give_the_order_of_the_labels() -> None:
    split = ZeroShotSplit(['zebra', 'cat'], ['dog'])
    assert split.classes('seen') == ('zebra', 'cat')
    assert split.classes('unseen') == ('dog',)
    assert split.classes('generalized') == ('zebra', 'cat', 'dog')
    with pytest.raises(ValueError, match="mode='gzsi': the modes are seen, unseen, generalized"):
        split.classes('gzsi')
    seen_only = resolve_split(dict(seen=['cat']))
    assert seen_only.classes('seen') == ('cat',)
    for mode in ('unseen', 'generalized'):
        with pytest.raises(ValueError, match=f'{mode}.*no unseen classes'):
            seen_only.classes(mode)


@pytest.mark.parametrize(
    ('model', 'data', 'expected'),
    [
        (['hot_dog', 'Cat'], ['hot dog', 'cat'], None),
        (('cat',), ['cat', 'dog'], 'the model has 1 classes, the data set 2'),
        (['cat', 'dog'], ['dog', 'cat'], "data set 2; label 0 is 'cat' here and 'dog' there"),
        (['cat', 'dog'], [], 'the model has 2 classes, the data set 0'),
    ],
)
def test_labels_of_a_model_and_of_data(model, data, expected) -> None:
    found = label_difference(model, data)
    assert found is None if expected is None else found.endswith(expected)


def test_lists_may_be_text_files(tmp_path) -> None:
    (tmp_path / 'seen.txt').write_text('traffic light\n\n cat \n')
    split = resolve_split(dict(seen=str(tmp_path / 'seen.txt'), unseen=('dog',)))
    assert split == ZeroShotSplit(('traffic light', 'cat'), ('dog',))
    assert resolve_split(split) is split
    (tmp_path / 'windows.txt').write_text('cat\n', 'utf-8-sig')
    assert resolve_split(dict(seen=tmp_path / 'windows.txt')).seen == ('cat',)


@pytest.mark.parametrize(
    ('split', 'message'),
    [
        ('65_15', "split='65_15': the splits are coco_48_17, coco_65_15; for other classes"),
        (dict(seen=['cat', 'hot_dog'], unseen=['Hot dog']), 'classes overlap: hot_dog'),
        (dict(seen=['cat', 'Cat'], unseen=['dog']), 'seen classes are named twice: cat'),
        (dict(seen=['cat'], unseen=['dog', 'dog']), 'unseen classes are named twice: dog'),
        (dict(seen=[], unseen=['dog']), 'needs at least one seen class'),
        (dict(seen='cat', unseen=['dog']), "seen='cat' is no file; give class names as a list"),
        (dict(seen=['cat'], novel=['dog']), r"takes the keys seen and unseen, got \['novel'"),
        (dict(unseen=['dog']), r"takes the keys seen and unseen, got \['unseen'\]"),
    ],
)
def test_splits_that_are_none(split, message) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_split(split)


def test_spelling_leaves_out_what_makes_no_difference() -> None:
    assert {plain_name(n) for n in ('Hot dog', 'hot_dog', 'HOT-DOG', ' hot  dog ')} == {'hot dog'}
    assert plain_name('hotdog') != plain_name('hot dog')


CATEGORIES = [dict(id=9, name='zebra'), dict(id=2, name='hot dog'), dict(id=5, name='cat')]


def test_category_ids_are_in_the_order_of_the_names() -> None:
    assert category_ids(CATEGORIES, ['cat', 'Hot_Dog', 'zebra']) == [5, 2, 9]


def test_categories_that_are_missing_or_ambiguous() -> None:
    with pytest.raises(
        ValueError, match=r"no category .*'zebbra' \(did you mean 'zebra'\?\), 'fox'"
    ):
        category_ids(CATEGORIES, ['cat', 'zebbra', 'fox'])
    with pytest.raises(ValueError, match=r"several categories have one name: 'cat' \(\[5, 6\]\)"):
        category_ids([*CATEGORIES, dict(id=6, name='Cat')], ['cat'])


@pytest.mark.parametrize('name', [1, None, '', ' '])
def test_class_names_are_text(name) -> None:
    with pytest.raises(ValueError, match=f'unseen classes are names, got {name!r}'):
        resolve_split(dict(seen=['cat'], unseen=['dog', name]))
