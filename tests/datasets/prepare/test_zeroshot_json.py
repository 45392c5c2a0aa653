"""Annotation files of the zero-shot tasks: which images and objects, in which order."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from helpers.zeroshot_json import SPLIT, zeroshot_json

from mmfewshot_seg.datasets.drawn import SEEN_CLASSES, UNSEEN_CLASSES, draw_dataset
from mmfewshot_seg.datasets.prepare.zeroshot_json import describe, prepare_zeroshot_json

TOOL = Path(__file__).parents[3] / 'tools' / 'prepare_zeroshot_coco.py'
DATA = Path(os.environ.get('MMFEWSHOT_SEG_DATA', ''))


def _content(path: Path) -> tuple[list[str], dict[int, list[int]]]:
    """Names of the categories, and the objects of every image as in `IMAGES`."""
    content = json.loads(path.read_text())
    objects = defaultdict(list, {image['id']: [] for image in content['images']})
    for a in content['annotations']:
        objects[a['image_id']].append(a['category_id'] * (-1 if a['iscrowd'] else 1))
    return [category['name'] for category in content['categories']], dict(objects)


@pytest.fixture
def source(tmp_path) -> str:
    return zeroshot_json(tmp_path / 'instances.json')


def test_training_never_shows_unseen_classes(source, tmp_path) -> None:
    """Not even as a crowd (image 7), nor unlabelled among seen ones (image 2)."""
    (file,) = prepare_zeroshot_json(SPLIT, train_json=source)
    assert file.path == tmp_path / 'instances_seen.json'
    names, objects = _content(file.path)
    assert names == SPLIT['seen']
    assert objects == {1: [30, 14], 4: [], 5: [], 6: [2, -14]}
    assert (file.images, file.dropped_images, file.without_objects) == (4, 3, 2)
    assert (file.objects, file.crowds, file.missing) == (3, 1, ())


def test_both_tests_are_of_the_same_images(source, tmp_path) -> None:
    unseen, both = prepare_zeroshot_json(SPLIT, test_json=source, out_dir=tmp_path / 'new')
    assert unseen.path == tmp_path / 'new/instances_unseen.json'
    assert both.path == tmp_path / 'new/instances_gzsi.json'
    assert _content(unseen.path) == (
        SPLIT['unseen'],
        {2: [9], 3: [9, 4, 4, -9], 7: [-4]},
    )
    assert _content(both.path) == (
        SPLIT['seen'] + SPLIT['unseen'],
        {2: [14, 9], 3: [9, 4, 4, -9], 7: [30, -4]},
    )
    assert both.missing == ('traffic light',)
    told = describe([unseen, both])
    assert '3 images (4 dropped, 0 without objects), 4 objects and 2 crowds of 2 classes' in told
    assert told.endswith('no object of: traffic light')


def test_everything_else_of_the_source_is_kept(source) -> None:
    content, original = (
        json.loads(Path(path).read_text())
        for path in (prepare_zeroshot_json(SPLIT, source)[0].path, source)
    )
    assert content['info'] == original['info']
    assert [image for image in original['images'] if image['id'] in (1, 4, 5, 6)] == content[
        'images'
    ]
    assert all(a in original['annotations'] for a in content['annotations'])


def test_again_changes_nothing_and_mends_what_is_broken(source, tmp_path) -> None:
    first = prepare_zeroshot_json(SPLIT, source, source)
    assert all(file.changed for file in first)
    written = {file.path: (file.path.read_bytes(), file.path.stat().st_mtime_ns) for file in first}
    again = prepare_zeroshot_json(SPLIT, source, source)
    assert not any(file.changed for file in again)
    assert 'instances_seen.json (unchanged)' in describe(again)
    for path, (content, time) in written.items():
        assert path.read_bytes() == content and path.stat().st_mtime_ns == time
    half = first[0].path
    half.write_bytes(written[half][0][:100])
    assert [file.changed for file in prepare_zeroshot_json(SPLIT, source, source)] == [
        True,
        False,
        False,
    ]
    assert half.read_bytes() == written[half][0]
    assert len(os.listdir(tmp_path)) == 4


def test_interrupted_writing_leaves_nothing(source, tmp_path, monkeypatch) -> None:
    def full_disk(*args) -> None:
        raise OSError('No space left on device')

    monkeypatch.setattr(os, 'replace', full_disk)
    with pytest.raises(OSError, match='No space left'):
        prepare_zeroshot_json(SPLIT, source)
    assert os.listdir(tmp_path) == ['instances.json']


def test_names_are_compared_by_spelling(source) -> None:
    split = dict(seen=['Traffic_Light'], unseen=['DOG'])
    names, objects = _content(prepare_zeroshot_json(split, source)[0].path)
    assert names == ['traffic light']
    assert objects == {1: [], 4: [], 5: [], 6: [2], 7: []}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(), 'give annotations to train on, annotations to test on, or both'),
        (dict(split='coco_65_15'), r'instances.json: no category of this name: .person'),
        (dict(split=dict(seen=['cats'], unseen=['dog'])), r"'cats' \(did you mean 'cat'\?\)"),
        (dict(split=dict(seen=['cat'], unseen=['cat'])), 'overlap: cat'),
        (dict(images={1: [9]}), 'no image is without objects of the unseen classes'),
        (dict(images={1: [14]}, key='test_json'), 'no image shows objects of the unseen classes'),
    ],
)
def test_mistakes(tmp_path, options, message) -> None:
    sources = {}
    if options:
        path = zeroshot_json(tmp_path / 'instances.json', options.get('images'))
        sources = {options.get('key', 'train_json'): path}
    with pytest.raises(ValueError, match=message):
        prepare_zeroshot_json(options.get('split', SPLIT), **sources)


def test_nothing_is_written_before_all_names_are_checked(source, tmp_path) -> None:
    """A misspelt unseen class would stay in the images to train on."""
    misspelt = dict(seen=SPLIT['seen'], unseen=['dgo', 'boat'])
    for options in (dict(), dict(test_json=source)):
        with pytest.raises(ValueError, match=r"instances.json: no category .*'dgo' \(did"):
            prepare_zeroshot_json(misspelt, source, out_dir=tmp_path / 'out', **options)
    broken = tmp_path / 'test.json'
    broken.write_text('[' * 100000)
    with pytest.raises(ValueError, match='test.json cannot be read as json: it is nested'):
        prepare_zeroshot_json(SPLIT, source, broken, out_dir=tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('key', ['category_id', 'image_id'])
def test_ids_of_another_type_are_refused(source, tmp_path, key) -> None:
    content = json.loads(Path(source).read_text())
    for annotation in content['annotations']:
        annotation[key] = str(annotation[key])
    Path(source).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"{key} '.*', which is not among .* is another type"):
        prepare_zeroshot_json(SPLIT, source)


def test_drawn_data_set_is_prepared_alike(tmp_path) -> None:
    draw_dataset(tmp_path / 'drawn', num_train=3, num_test=6, size=64, train_classes='seen')
    annotations = tmp_path / 'drawn/annotations'
    split = dict(seen=str(tmp_path / 'drawn/seen.txt'), unseen=str(tmp_path / 'drawn/unseen.txt'))
    train, unseen, both = prepare_zeroshot_json(
        split, annotations / 'instances_train.json', annotations / 'instances_test.json'
    )
    assert train.dropped_images == 0 and train.path.name == 'instances_train_seen.json'
    assert _content(unseen.path)[0] == list(UNSEEN_CLASSES)
    assert _content(both.path)[0] == [*SEEN_CLASSES, *UNSEEN_CLASSES]
    assert 0 < unseen.images == both.images <= 6


@pytest.mark.slow
def test_tool_takes_a_split_or_two_lists(source, tmp_path) -> None:
    for name, classes in SPLIT.items():
        (tmp_path / f'{name}.txt').write_text('\n'.join(classes))

    def run(*args) -> subprocess.CompletedProcess:
        command = [sys.executable, str(TOOL), *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True)

    lists = ['--seen', tmp_path / 'seen.txt', '--unseen', tmp_path / 'unseen.txt']
    done = run(*lists, '--train', source, '--test', source)
    assert done.returncode == 0 and '4 images (3 dropped' in done.stdout, done.stderr
    for args, message in (
        (['coco_48_17', *lists], 'either a split, or both --seen and --unseen'),
        (['--seen', 'a.txt'], 'either a split, or both --seen and --unseen'),
        (['coco_48_17', '--train', source], 'prepare_zeroshot_coco: .*no category of this name'),
        (['coco_48_17'], 'prepare_zeroshot_coco: give annotations to train on'),
    ):
        failed = run(*args)
        assert failed.returncode == 2
        assert re.search(message, failed.stderr)


@pytest.mark.slow
@pytest.mark.skipif(DATA == Path(''), reason='MMFEWSHOT_SEG_DATA is not set')
@pytest.mark.parametrize(('name', 'train', 'test'), [('48_17', 159, 145), ('65_15', 215, 90)])
def test_real_images(tmp_path, name, train, test) -> None:
    annotations = DATA / 'coco_real/annotations'
    files = prepare_zeroshot_json(
        f'coco_{name}',
        annotations / 'instances_train.json',
        annotations / 'instances_val.json',
        tmp_path,
    )
    assert [file.images for file in files] == [train, test, test]
    assert [file.path.stem for file in files] == [
        f'instances_train_seen_{name}',
        f'instances_val_unseen_{name}',
        f'instances_val_gzsi_{name}',
    ]
    seen, unseen, both = (_content(file.path)[1] for file in files)
    total = json.loads((annotations / 'instances_train.json').read_text())
    assert sum(map(len, seen.values())) <= len(total['annotations'])
    for image_id, objects in unseen.items():
        assert objects and set(objects) <= set(both[image_id])
