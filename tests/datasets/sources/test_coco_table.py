"""The table of a json against its entries; files in another order or with faults."""

import json

import numpy as np
import pytest

from mmfewshot_seg.datasets.sources import coco_table
from mmfewshot_seg.datasets.sources.coco_segmentation import _decompress
from mmfewshot_seg.datasets.sources.coco_table import read_coco_table


def _content(seed: int = 0) -> dict:
    rng = np.random.RandomState(seed)
    images = [
        dict(id=int(n), file_name=f'{(n * 7) % 11:02}.jpg', height=20 + int(n), width=30, url='x')
        for n in rng.permutation(11)
    ]
    annotations = [
        dict(
            id=n + 1,
            image_id=int(rng.randint(9)),
            category_id=int(rng.choice([4, 9])),
            segmentation=[(rng.rand(2 * rng.randint(3, 6)) * 20).round(2).tolist()],
        )
        for n in range(40)
    ]
    categories = [dict(id=9, name='cat'), dict(id=4, name='dog')]
    return dict(info={}, images=images, annotations=annotations, categories=categories)


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (2, 3, 0, 1), (3, 1, 0, 2)])
def test_the_table_has_what_the_json_has(tmp_path, order) -> None:
    content = _content()
    keys = [list(content)[place] for place in order]
    path = tmp_path / 'a.json'
    path.write_text(json.dumps({key: content[key] for key in keys}))
    table = read_coco_table(path)
    images = sorted(content['images'], key=lambda image: image['file_name'])
    assert table.file_names == [image['file_name'] for image in images]
    assert table.shapes.tolist() == [[image['height'], image['width']] for image in images]
    assert table.categories == content['categories']
    for j, image in enumerate(images):
        expected = [
            (a['category_id'], a['segmentation'])
            for a in content['annotations']
            if a['image_id'] == image['id']
        ]
        found = [(table.category_ids[kind], polygons) for kind, polygons in table.of_image(j)]
        assert found == expected


def test_the_usual_order_is_never_read_as_a_whole(tmp_path, monkeypatch) -> None:
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(_content()))
    monkeypatch.setattr(coco_table, 'read_coco_json', None)
    assert len(read_coco_table(path).kinds) == 40


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c['images'][1].update(id=c['images'][0]['id']), 'an image is listed twice: id'),
        (
            lambda c: c['images'][1].update(file_name='00.jpg'),
            'an image is listed twice: file_name',
        ),
        (lambda c: c['images'][3].pop('width'), 'width must be int'),
        (lambda c: c['categories'][0].update(name='dog'), 'a category is listed twice: name dog'),
        (lambda c: c['annotations'][5].update(image_id=77), 'image_id 77, which is not among'),
        (lambda c: c['annotations'][5].update(category_id=5), 'category_id 5, which is not among'),
        (lambda c: c['annotations'][5].pop('segmentation'), 'annotation 6 has no segmentation'),
        (lambda c: c['annotations'][5].update(segmentation=[[1]]), 'odd number of coordinates, 1'),
        (lambda c: [a.update(segmentation=[]) for a in c['annotations']], 'boxes only: all 40'),
        (lambda c: c['images'].clear(), 'names no images'),
        (lambda c: c.pop('categories'), 'lacks .*categories'),
        (lambda c: c.update(images={}), 'images is no list'),
    ],
)
def test_faults_are_told_as_by_the_one_reader(tmp_path, change, message) -> None:
    content = _content()
    change(content)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf'a\.json.*{message}'):
        read_coco_table(path)


def test_files_that_are_no_json(tmp_path) -> None:
    (tmp_path / 'a.json').write_text('{"images": [')
    with pytest.raises(ValueError, match='cannot be read as json'):
        read_coco_table(tmp_path / 'a.json')
    with pytest.raises(FileNotFoundError):
        read_coco_table(tmp_path / 'none.json')


def test_codes_are_decompressed_number_by_number() -> None:
    """Against pycocotools' codes of masks, run by run."""
    mask_utils = pytest.importorskip('pycocotools.mask')
    rng = np.random.RandomState(0)
    for number in range(60):
        mask = (rng.rand(*rng.randint(1, 90, 2)) < rng.rand()).astype(np.uint8)
        if number % 3 == 0:
            mask[:] = 0
            mask[: len(mask) // 2] = 1
        flat = np.concatenate([[0], mask.ravel('F'), [2]])
        runs = np.diff(np.flatnonzero(np.diff(flat)), prepend=0)  # the first may be empty
        code = mask_utils.encode(np.asfortranarray(mask))['counts'].decode()
        assert _decompress(code).tolist() == runs.tolist()
    for text in ('é', 'P' * 9, 'P', chr(47), chr(112)):
        assert _decompress(text) is None
