"""Real files, written in every format that this package writes, and read back.

MMFEWSHOT_SEG_DATA holds fss_real, coco_real and semseg_real.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmfewshot_seg.annotations import convert_annotations, read_annotations
from mmfewshot_seg.datasets.sources import Coco20iSource
from mmfewshot_seg.datasets.sources.image_files import image_shape

DATA = Path(os.environ.get('MMFEWSHOT_SEG_DATA', ''))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(DATA == Path(''), reason='MMFEWSHOT_SEG_DATA is not set'),
]
IMAGES = 6


def _labels(annotations) -> dict:
    """Label map of each class of each image, by the file's content."""
    return {
        (Path(image.path).read_bytes(), name): image.label(name, image_shape(image.path))
        for image in annotations.images
        for name in image.class_names
    }


def _assert_equal(ours: dict, theirs: dict) -> None:
    marked = {key for key, label in theirs.items() if (label == 1).any()}
    assert {key for key, label in ours.items() if (label == 1).any()} == marked and marked
    for key in marked:
        np.testing.assert_array_equal(ours[key], theirs[key])


@pytest.fixture
def coco(tmp_path) -> Path:
    """The first images of coco_real that show no crowd."""
    content = json.loads((DATA / 'coco_real/annotations/instances_val.json').read_text())
    crowded = {a['image_id'] for a in content['annotations'] if a['iscrowd']}
    images = [image for image in content['images'] if image['id'] not in crowded][:IMAGES]
    ids = {image['id'] for image in images}
    annotations = [a for a in content['annotations'] if a['image_id'] in ids]
    path = tmp_path / 'some.json'
    path.write_text(json.dumps(dict(content, images=images, annotations=annotations)))
    return path


@pytest.mark.parametrize('to', ['coco', 'class-folder'])
def test_coco_there_and_back(tmp_path, coco, to) -> None:
    folder = DATA / 'coco_real/val'
    annotations = read_annotations(coco, img_dir=folder)
    ours = _labels(annotations)
    source = Coco20iSource(str(coco), str(folder), index_dir=None)
    theirs = {
        (Path(source.image_path(j)).read_bytes(), source.class_names[c]): source.label_map(j, (c,))
        for j, c, _ in source.pairs.tolist()
    }
    _assert_equal(ours, theirs)
    convert_annotations(annotations, tmp_path / 'out', to)
    _assert_equal(_labels(read_annotations(tmp_path / 'out')), theirs)


def test_class_folders_there_and_back(tmp_path) -> None:
    for name in ('zebra', 'cup'):
        (tmp_path / 'data').mkdir(exist_ok=True)
        (tmp_path / 'data' / name).symlink_to(DATA / 'fss_real/data' / name)
    annotations = read_annotations(tmp_path / 'data')
    theirs = {
        (Path(image.path).read_bytes(), name): np.array(Image.open(image.source)) // 255
        for image in annotations.images
        for name in image.class_names
    }
    _assert_equal(_labels(annotations), theirs)
    for to in ('coco', 'label-maps'):
        convert_annotations(annotations, tmp_path / to, to)
        _assert_equal(_labels(read_annotations(tmp_path / to)), theirs)


def test_label_maps_there_and_back(tmp_path) -> None:
    """Connected regions and crowds of COCO say all that a label map with void says."""
    for kind, suffix in (('img_dir', 'jpg'), ('ann_dir', 'png')):
        (tmp_path / 'data' / kind).mkdir(parents=True)
        for path in sorted((DATA / 'semseg_real' / kind / 'val').glob(f'*.{suffix}'))[:3]:
            (tmp_path / 'data' / kind / path.name).symlink_to(path)
    names = 'Sky Building Pole Road Pavement Tree Sign Fence Car Pedestrian Bicyclist'.split()
    values = {name: number for number, name in enumerate(names)}
    annotations = read_annotations(tmp_path / 'data', class_values=values)
    theirs = _labels(annotations)
    image = annotations.images[0]
    raw = np.array(Image.open(image.source))
    label = image.label('Road', raw.shape)
    np.testing.assert_array_equal(label, np.where(raw == 255, 255, raw == 3))
    for to in ('coco', 'label-maps'):
        convert_annotations(annotations, tmp_path / to, to)
        _assert_equal(_labels(read_annotations(tmp_path / to)), theirs)
