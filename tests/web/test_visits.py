"""Answers of the page's server, without a browser."""

import base64
import csv
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import annotation_files
from helpers.fewshot_models import fewshot_inferencer
from PIL import Image
from pycocotools.coco import COCO

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.visualization.overlay import COLOURS
from mmfewshot_seg.web import images, visits
from mmfewshot_seg.web.images import decode_image, decode_mask, encode
from mmfewshot_seg.web.server import RefusedError
from mmfewshot_seg.web.visits import Visits


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory) -> FewShotInferencer:
    return fewshot_inferencer(tmp_path_factory.mktemp('web'))


def _support(name: str, value: int) -> dict:
    image = np.random.default_rng(value).integers(0, 100, (40, 50, 3), dtype=np.uint8)
    image[10:30, 10:30] += 100 + value
    mask = np.zeros((40, 50, 4), np.uint8)
    mask[10:30, 10:30] = (0, 0, 255, 255)
    return dict(name=name, image=encode(image), mask=encode(mask))


def _set(*supports: dict, negatives=()) -> dict:
    return dict(supports=list(supports), negatives=list(negatives))


def test_answers_are_those_of_the_inferencer_for_visitors_in_turn(inferencer) -> None:
    answers = Visits(inferencer)
    one = [_support('a', 0), _support('b', 50), _support(' a', 20)]
    two = [_support('b', 50)]
    keys = [answers.support(_set(*supports))['support'] for supports in (one, two, one)]
    assert keys[0] == keys[2] != keys[1]
    assert answers.support(_set(*one))['classes'] == ('a', 'b')
    query = _support('', 30)['image']
    for key, supports in ((keys[0], one), (keys[1], two)):
        answer = answers.segment(dict(support=key, image=query))
        inferencer.set_support(
            [decode_image(support['image']) for support in supports],
            [decode_mask(support['mask']) for support in supports],
            [support['name'].strip() for support in supports],
        )
        expected = inferencer(decode_image(query))['predictions'][0]['label_map']
        np.testing.assert_array_equal(_labels(answer), expected)
        assert answer['shares'][0] == pytest.approx((expected == 1).mean())
        assert len(answer['shares']) == len(inferencer.class_names)
        assert decode_image(answer['overlay']).shape == (40, 50, 3)


def _labels(answer: dict) -> np.ndarray:
    data = base64.b64decode(answer['labels'].partition(',')[2])
    return np.asarray(Image.open(io.BytesIO(data)))


def test_visitors_at_the_same_time_get_their_own_answers(inferencer) -> None:
    answers = Visits(inferencer)
    sets = [_set(_support('a', value)) for value in (0, 50)]
    query = _support('', 30)['image']

    def ask(request: dict) -> str:
        support = answers.support(request)['support']
        return answers.segment(dict(support=support, image=query))['labels']

    alone = [ask(request) for request in sets]
    assert alone[0] != alone[1]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, sets * 8)) == alone * 8


def test_negatives_teach_what_is_not_meant(tmp_path) -> None:
    answers = Visits(fewshot_inferencer(tmp_path, head='dense_matching'))
    assert answers.start({})['negatives'] is True
    query = _support('', 30)['image']
    support = answers.support(_set(_support('a', 0)))['support']
    share = answers.segment(dict(support=support, image=query))['shares'][0]
    request = _set(_support('a', 0), negatives=[query])
    support = answers.support(request)['support']
    assert answers.segment(dict(support=support, image=query))['shares'][0] < share
    with pytest.raises(ValueError, match='negative 1: not an image'):
        answers.support(_set(_support('a', 0), negatives=['x,']))


def test_models_without_negatives_say_so(inferencer) -> None:
    assert Visits(inferencer).start({})['negatives'] is False
    request = _set(_support('a', 0), negatives=[_support('', 0)['image']])
    with pytest.raises(ValueError, match='takes no negatives'):
        Visits(inferencer).support(request)


def test_large_images_are_seen_smaller_and_answered_in_their_size(inferencer, monkeypatch) -> None:
    answers = Visits(inferencer)
    key = answers.support(_set(_support('a', 0)))['support']
    query = _support('', 30)['image']
    whole = answers.segment(dict(support=key, image=query))
    monkeypatch.setattr(images, 'SEEN_PIXELS', 500)
    answer = answers.segment(dict(support=key, image=query))
    assert decode_image(answer['overlay']).shape == (20, 25, 3)
    assert _labels(answer).shape == (40, 50)
    assert (_labels(answer) != _labels(whole)).mean() < 0.3
    assert answers.support(_set(_support('a', 0)))['support'] == key  # masks are made smaller too


def test_few_support_sets_are_kept(inferencer, monkeypatch) -> None:
    monkeypatch.setattr(visits, 'MAX_SETS', 1)
    answers = Visits(inferencer)
    old, new = (answers.support(_set(_support('a', value)))['support'] for value in (0, 10))
    query = _support('', 0)['image']
    answers.segment(dict(support=new, image=query))
    with pytest.raises(ValueError, match='no longer known'):
        answers.segment(dict(support=old, image=query))


def _written(answers: Visits, answer: dict, key: str, query: str) -> dict:
    """Files of a result, and of the same image once more."""
    again = answers.segment(dict(support=key, image=query))
    results = [
        dict(result=one['result'], file=f'{name}.jpg')
        for name, one in (('a', answer), ('b', again))
    ]
    return answers.files(dict(results=results))


@pytest.mark.parametrize('seen_pixels', [2000, 500])
def test_files_say_what_the_label_map_says(inferencer, monkeypatch, tmp_path, seen_pixels) -> None:
    monkeypatch.setattr(images, 'SEEN_PIXELS', seen_pixels)
    answers = Visits(inferencer)
    key = answers.support(_set(_support('a', 0), _support('b', 50)))['support']
    query = _support('', 30)['image']
    answer = answers.segment(dict(support=key, image=query))
    labels, files = _labels(answer), _written(answers, answer, key, query)
    (tmp_path / 'coco.json').write_text(files['coco'])
    coco = COCO(str(tmp_path / 'coco.json'))
    assert [image['file_name'] for image in coco.dataset['images']] == ['a.jpg', 'b.jpg']
    found = np.zeros(labels.shape, np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(1)):
        found[coco.annToMask(annotation) > 0] = annotation['category_id']
        assert 1 / 3 < annotation['score'] <= 1  # of three classes the most probable
    np.testing.assert_array_equal(found, labels)
    rows = list(csv.DictReader(io.StringIO(files['areas'])))
    areas = [int(row['area']) for row in rows if row['image'] == 'b.jpg' and row['class'] == 'a']
    assert sum(areas) == (labels == 1).sum()
    first, second = map(json.loads, files['labelme'])
    assert (first['imagePath'], second['imagePath']) == ('a.jpg', 'b.jpg')
    assert (first['imageHeight'], first['imageWidth']) == (40, 50)


def test_few_results_are_kept_and_mistakes_are_told(inferencer, monkeypatch) -> None:
    monkeypatch.setattr(visits, 'MAX_RESULTS', 1)
    answers = Visits(inferencer)
    key = answers.support(_set(_support('a', 0)))['support']
    old, new = (
        dict(result=answers.segment(dict(support=key, image=GOOD['image']))['result'], file='a.png')
        for _ in range(2)
    )
    assert len(answers.files(dict(results=[new]))['labelme']) == 1
    for results, message in (
        ([old], 'the result of a.png is no longer known: segment it again'),
        ([new, new], 'at most 1 results'),
        ([dict(new, file=None)], "'file' of result 1 must be text"),
        (['x'], 'result 1 must be an object with result, file'),
    ):
        with pytest.raises(ValueError, match=message):
            answers.files(dict(results=results))


def _without(fields: dict, name: str) -> dict:
    return {key: value for key, value in fields.items() if key != name}


def _empty(height: int, width: int) -> str:
    return encode(np.zeros((height, width, 4), np.uint8))


GOOD = _support('a', 0)


@pytest.mark.parametrize(
    ('request_', 'message'),
    [
        (_set(GOOD, {**GOOD, 'name': ' '}), 'support 2 has no class name'),
        (_set({**GOOD, 'name': 5}), "'name' of support 1 must be text, got 5"),
        (_set({**GOOD, 'image': None}), "'image' of support 1 must be text, got null"),
        (_set(GOOD, {**GOOD, 'mask': ['x']}), "'mask' of support 2 must be text, got"),
        (_set(_without(GOOD, 'mask')), "support 1 lacks the field 'mask'"),
        (_set({**GOOD, 'extra': 1}), "support 1 has no field 'extra'"),
        (_set('x'), 'support 1 must be an object with name, image, mask'),
        (_set({**GOOD, 'image': 'x'}), r'support 1 \(a\): not an image'),
        (_set(GOOD, negatives=[7]), 'negatives 1 must be text, got 7'),
        (dict(supports=None, negatives=[]), "'supports' of the request must be a list, got null"),
        (dict(supports=[]), "the request lacks the field 'negatives'"),
        (_set(), 'there is nothing to add|1 to 254 classes'),
        (_set(*[GOOD] * 101), 'at most 100 images'),
        (
            _set({**GOOD, 'mask': encode(np.zeros((9, 9, 4), np.uint8))}),
            r'support 1 \(a\): the mask',
        ),
        (_set({**GOOD, 'mask': encode(np.zeros((40, 50, 4), np.uint8))}), 'marks no pixel'),
    ],
)
def test_mistakes_name_the_field(inferencer, request_, message) -> None:
    with pytest.raises(ValueError, match=message):
        Visits(inferencer).support(request_)


def test_mistakes_in_queries_name_the_field(inferencer) -> None:
    answers = Visits(inferencer)
    for request, message in (
        (dict(support=None, image='x'), "'support' of the request must be text, got null"),
        (dict(support='x', image={}), "'image' of the request must be text, got {}"),
        (dict(support='x'), "lacks the field 'image'"),
    ):
        with pytest.raises(ValueError, match=message):
            answers.segment(request)
    key = answers.support(_set(GOOD))['support']
    with pytest.raises(ValueError, match='image: not an image'):
        answers.segment(dict(support=key, image='x'))
    with pytest.raises(ValueError, match="no field 'x'"):
        answers.start(dict(x=1))


def test_files_of_annotations_are_examples(inferencer, tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    sizes = annotation_files.SIZES.items()
    shown = [
        dict(name=f'{name}.jpg', width=width, height=height) for name, (height, width) in sizes
    ]
    files = [
        dict(name=path.name, content=f'data:,{base64.b64encode(path.read_bytes()).decode()}')
        for path in sorted(folder.glob('*.json'))
    ]
    answers = Visits(inferencer)
    answer = json.loads(json.dumps(answers.annotations(dict(images=shown, files=files))))
    assert [example['name'] for example in answer['examples']] == ['leaf', 'leaf', 'snow board']
    assert answer['errors'] == answer['unmarked'] == []
    good, huge = shown[0], dict(shown[0], width=10**5, height=10**5)
    for request, message in (
        (
            dict(images=[good, huge], files=[]),
            r'image 2 \(a.jpg\): 100000 x 100000 pixels are more',
        ),
        (dict(images=[dict(good, width=-3)], files=[]), 'image 1 .* are no image'),
        (dict(images=[dict(good, height='9')], files=[]), "'height' of image 1 must be a whole n"),
        (dict(images=[], files=[dict(files[0], content='x,%')]), r'file 1 \(a.json\): not a data'),
        (dict(images=[], files=['x']), 'file 1 must be an object with name, content'),
        (dict(images=shown), "lacks the field 'files'"),
    ):
        with pytest.raises(ValueError, match=message):
            answers.annotations(request)


def test_nobody_waits_for_ever(inferencer, monkeypatch) -> None:
    monkeypatch.setattr(visits, 'WAIT_SECONDS', 0.1)
    answers = Visits(inferencer)
    file = dict(name='a.json', content='data:,')
    for answer, request in (
        (answers.segment, dict(support='x', image='x')),
        (answers.annotations, dict(images=[], files=[file])),
    ):
        with answers._turn(), pytest.raises(RefusedError, match='try again later') as refused:
            answer(request)
        assert refused.value.status == 503


def test_annotations_become_strokes() -> None:
    line, polygon = [(1, 2), (3, 4)], [(0, 0), (5, 0), (5, 5)]
    assert visits.strokes(dict(polygons=[polygon])) == [
        dict(tool='polygon', width=5, points=polygon)
    ]
    found = visits.strokes(dict(scribbles=[line, line], background=[polygon], width=5))
    assert [stroke['tool'] for stroke in found] == ['background', 'brush', 'brush']
    assert found[1] == dict(tool='brush', width=7, points=line)


def test_page_begins_with_photographs(inferencer) -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    start = json.loads(json.dumps(Visits(inferencer).start({})))
    assert start['hint'] == '' and start['colours'] == [list(colour) for colour in COLOURS]
    for example, photograph in zip(start['examples'], example_photographs(), strict=True):
        assert example['name'] == photograph.name
        np.testing.assert_array_equal(decode_image(example['support']), photograph.support)
        np.testing.assert_array_equal(decode_image(example['query']), photograph.query)
        assert example['strokes']


def test_page_begins_without_photographs(inferencer, monkeypatch) -> None:
    visits.examples.cache_clear()
    monkeypatch.setitem(sys.modules, 'skimage', None)
    start = Visits(inferencer).start({})
    assert start['examples'] == [] and "pip install 'mmfewshot_seg[photos]'" in start['hint']


def test_a_check_says_what_the_inferencer_says(inferencer) -> None:
    answers = Visits(inferencer)
    supports = [_support('a', 0), _support('b', 50), _support('a', 20)]
    key = answers.support(_set(*supports))['support']
    checks = answers.check(dict(support=key))['checks']
    json.dumps(checks, allow_nan=False)
    inferencer.set_support(
        [decode_image(support['image']) for support in supports],
        [decode_mask(support['mask']) for support in supports],
        [support['name'] for support in supports],
    )
    expected = inferencer.check_support()
    assert [check['name'] for check in checks] == ['a', 'a', 'b']
    assert [check['iou'] for check in checks[:2]] == [check.iou for check in expected[:2]]
    assert checks[2]['iou'] is None
    assert [check['reason'] for check in checks] == [check.reason for check in expected]
    with pytest.raises(ValueError, match='no longer known'):
        answers.check(dict(support='other'))


def test_what_is_probably_not_shown(tmp_path) -> None:
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    answers = Visits(inferencer)
    request = dict(
        support=answers.support(_set(_support('a', 0)))['support'], image=_support('', 30)['image']
    )
    assert answers.segment(request)['found'] == [True]  # nothing is usual for this network
    for level, found in ((-1.0, [True]), (5.0, [False])):
        inferencer.model.decode_head.presence_levels = (level, level)
        assert answers.segment(request)['found'] == found
