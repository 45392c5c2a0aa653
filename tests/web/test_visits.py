"""Answers of the page's server, without a browser."""

import json
import sys

import numpy as np
import pytest
from helpers.fewshot_models import fewshot_inferencer

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.visualization.overlay import COLOURS
from mmfewshot_seg.web import visits
from mmfewshot_seg.web.visits import Visits, decode_image, decode_mask, encode


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory) -> FewShotInferencer:
    return fewshot_inferencer(tmp_path_factory.mktemp('web'))


def _support(name: str, value: int) -> dict:
    image = np.random.default_rng(value).integers(0, 100, (40, 50, 3), dtype=np.uint8)
    image[10:30, 10:30] += 100 + value
    mask = np.zeros((40, 50, 4), np.uint8)
    mask[10:30, 10:30] = (0, 0, 255, 255)
    return dict(name=name, image=encode(image), mask=encode(mask))


def test_masks_of_paint() -> None:
    paint = np.zeros((1, 4, 4), np.uint8)
    paint[0, 0], paint[0, 1] = (0, 0, 255, 255), (0, 0, 255, 100)
    assert decode_mask(encode(paint)).tolist() == [[1, 0, 0, 0]]
    paint[0, 2] = (255, 0, 0, 255)
    assert decode_mask(encode(paint)).tolist() == [[1, 255, 0, 255]]
    with pytest.raises(ValueError, match='transparency'):
        decode_mask(encode(paint[..., :3]))


@pytest.mark.parametrize('url', ['', 'data:image/png;base64,', 'data:,%', 'x,bm8gaW1hZ2U='])
def test_other_things_than_images_are_refused(url) -> None:
    with pytest.raises(ValueError, match='not a'):
        decode_image(url)


def test_answers_are_those_of_the_inferencer_for_visitors_in_turn(inferencer) -> None:
    answers = Visits(inferencer)
    one = [_support('a', 0), _support('b', 50), _support(' a', 20)]
    two = [_support('b', 50)]
    keys = [answers.support(supports)['support'] for supports in (one, two, one)]
    assert keys[0] == keys[2] != keys[1]
    assert answers.support(one)['classes'] == ('a', 'b')
    query = _support('', 30)['image']
    for key, supports in ((keys[0], one), (keys[1], two)):
        answer = answers.segment(key, query)
        inferencer.set_support(
            [decode_image(support['image']) for support in supports],
            [decode_mask(support['mask']) for support in supports],
            [support['name'].strip() for support in supports],
        )
        expected = inferencer(decode_image(query))['predictions'][0]['label_map']
        np.testing.assert_array_equal(decode_image(answer['labels'])[..., 0], expected)
        assert answer['shares'][0] == pytest.approx((expected == 1).mean())
        assert len(answer['shares']) == len(inferencer.class_names)
        assert decode_image(answer['overlay']).shape == (40, 50, 3)


def test_few_support_sets_are_kept(inferencer, monkeypatch) -> None:
    monkeypatch.setattr(visits, 'MAX_SUPPORTS', 1)
    answers = Visits(inferencer)
    old, new = (answers.support([_support('a', value)])['support'] for value in (0, 10))
    answers.segment(new, _support('', 0)['image'])
    with pytest.raises(ValueError, match='no longer known'):
        answers.segment(old, _support('', 0)['image'])


def test_mistakes_name_the_image(inferencer) -> None:
    with pytest.raises(ValueError, match='image 2 has no class name'):
        Visits(inferencer).support([_support('a', 0), _support(' ', 0)])


def test_annotations_become_strokes() -> None:
    line, polygon = [(1, 2), (3, 4)], [(0, 0), (5, 0), (5, 5)]
    assert visits.strokes(dict(polygons=[polygon])) == [
        dict(tool='polygon', width=5, points=polygon)
    ]
    found = visits.strokes(dict(scribbles=[line, line], background=[polygon], width=5))
    assert [stroke['tool'] for stroke in found] == ['background', 'brush', 'brush']
    assert found[1] == dict(tool='brush', width=7, points=line)


def test_page_begins_with_photographs() -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    start = json.loads(json.dumps(visits.start()))
    assert start['hint'] == '' and start['colours'] == [list(colour) for colour in COLOURS]
    for example, photograph in zip(start['examples'], example_photographs(), strict=True):
        assert example['name'] == photograph.name
        np.testing.assert_array_equal(decode_image(example['support']), photograph.support)
        np.testing.assert_array_equal(decode_image(example['query']), photograph.query)
        assert example['strokes']


def test_page_begins_without_photographs(monkeypatch) -> None:
    visits.examples.cache_clear()
    monkeypatch.setitem(sys.modules, 'skimage', None)
    start = visits.start()
    assert start['examples'] == [] and "pip install 'mmfewshot_seg[photos]'" in start['hint']
