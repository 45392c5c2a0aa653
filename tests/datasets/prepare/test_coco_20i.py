"""Checks of COCO, and an index that training finds."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_calls import call_tool
from PIL import Image

from mmfewshot_seg.classes.folds import COCO_CLASSES
from mmfewshot_seg.datasets.prepare.coco_20i import prepare_coco_20i
from mmfewshot_seg.datasets.sources import Coco20iSource, pair_index


@pytest.fixture
def root(tmp_path) -> Path:
    """Three images: a person and a car, two persons, nothing."""
    root = tmp_path / 'coco'
    (root / 'annotations').mkdir(parents=True)
    (root / 'train2014').mkdir()
    for i in range(3):
        pixels = np.full((20, 30, 3), 60 * i, np.uint8)
        Image.fromarray(pixels).save(root / f'train2014/{i}.jpg')
    categories = [dict(id=i, name=name) for i, name in enumerate(COCO_CLASSES, start=1)]
    box = [[2, 2, 12, 2, 12, 12, 2, 12]]
    annotations = [
        dict(id=k, image_id=i, category_id=1 + COCO_CLASSES.index(name), segmentation=box)
        for k, (i, name) in enumerate([(0, 'person'), (0, 'car'), (1, 'person'), (1, 'person')])
    ]
    images = [dict(id=i, file_name=f'{i}.jpg', height=20, width=30) for i in range(3)]
    content = dict(images=images, annotations=annotations, categories=categories)
    (root / 'annotations/instances_train2014.json').write_text(json.dumps(content))
    return root


def test_numbers_and_an_index_that_the_source_of_a_config_finds(
    root, tmp_path, monkeypatch
) -> None:
    logged = []
    monkeypatch.setattr(pair_index, 'print_log', lambda message, *_: logged.append(message))
    index = tmp_path / 'index'
    prepared = prepare_coco_20i(f'{root}/', 'train2014', (3, 4), str(index))
    assert (prepared.images, prepared.annotations, prepared.without_objects) == (3, 4, 1)
    assert {k: n for k, n in prepared.images_of_class.items() if n} == {'person': 2, 'car': 1}
    (file,) = index.iterdir()
    written = file.stat().st_mtime_ns
    assert 'reading 3 images' in logged.pop(0)
    annotations, images = f'{root}/annotations/instances_train2014.json', f'{root}/train2014'
    assert len(Coco20iSource(annotations, images, str(index)).pairs) == 3
    assert prepare_coco_20i(root, 'train2014', (3, 4), str(index)) == prepared
    assert not any('reading' in message for message in logged)
    assert [path.stat().st_mtime_ns for path in index.iterdir()] == [written]


def test_what_is_missing_and_what_is_wrong(root, tmp_path) -> None:
    with pytest.raises(ValueError, match='has 3 images and 4 annotations instead of 3 and 5'):
        prepare_coco_20i(root, 'train2014', (3, 5), str(tmp_path / 'index'))
    (root / 'train2014/1.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'MISSING .*train2014/<name>, 2 of 3; no 1.jpg'):
        prepare_coco_20i(root, 'train2014', None, str(tmp_path / 'index'))
    (root / 'train2014/1.jpg').write_bytes(b'broken')
    with pytest.raises(ValueError, match='1 images cannot be read'):
        prepare_coco_20i(root, 'train2014', None, str(tmp_path / 'index'))
    path = root / 'annotations/instances_train2014.json'
    content = json.loads(path.read_text())
    content['categories'].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='lacks categories of COCO: toothbrush'):
        prepare_coco_20i(root, 'train2014', None, str(tmp_path / 'index'))


def test_the_tool(root, tmp_path, capsys) -> None:
    assert call_tool('prepare_coco20i', tmp_path / 'nowhere') == 2
    first, *tree = capsys.readouterr().err.splitlines()
    assert first.startswith('prepare_coco20i: 2 parts are missing. Unpack train2014.zip and')
    assert [line.split()[0] for line in tree] == ['MISSING', 'MISSING']
    options = ('--splits', 'train2014', '--index-dir', tmp_path / 'index')
    assert call_tool('prepare_coco20i', root, *options) == 2
    assert 'has 3 images and 4 annotations instead of 82783' in capsys.readouterr().err
    assert call_tool('prepare_coco20i', root, *options, '--any-counts') == 0
    assert 'train2014: 3 images (1 without objects), 4 annotations' in capsys.readouterr().out
