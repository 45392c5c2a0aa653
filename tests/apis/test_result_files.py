"""Files of a run: the same as the predictions; whole, or not there, when it stops half-way."""

import csv
import json
import os
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from helpers.fewshot_models import fewshot_inferencer
from PIL import Image
from pycocotools.coco import COCO

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.apis import FewShotInferencer, result_files
from mmfewshot_seg.apis.result_files import ResultFiles
from mmfewshot_seg.datasets.drawn import draw_scene
from mmfewshot_seg.results.labelme_file import NO_CLASS

ALL = ('png', 'labelme', 'coco', 'coco-polygons', 'csv')


@pytest.fixture
def inferencer(tmp_path) -> FewShotInferencer:
    scene = draw_scene(64, 64, [[0], [1]], np.random.RandomState(0))
    masks = [scene.label_map == 1, scene.label_map == 2]
    return fewshot_inferencer(tmp_path).set_support([scene.image] * 2, masks, ['cat', 'dog'])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name, size in (('a', (48, 70)), ('b', (80, 50))):
        image = draw_scene(*size, [[0], [1]], np.random.RandomState(5)).image
        cv2.imwrite(str(folder / f'{name}.png'), image)
    return folder


def files(folder) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())


def read_json(path):
    return json.loads(path.read_text(encoding='utf-8'))


def test_all_formats_say_the_same(tmp_path, inferencer, photos) -> None:
    out = tmp_path / 'out'
    options = dict(out_dir=str(out), out_formats=ALL, tolerance=0, return_instances=True)
    predictions = inferencer(str(photos), **options)['predictions']
    whole = ['areas.csv', 'coco.json', 'coco_polygons.json', 'instances.jsonl']
    ours = [f'{folder}/{n}' for folder in ('labelme', 'pred', 'vis') for n in 'ab']
    found = [name.rpartition('.')[0] if '/' in name else name for name in files(out)]
    assert sorted(found) == sorted(['run.jsonl', *whole, *ours])
    with open(out / 'areas.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    for number, (name, prediction) in enumerate(zip('ab', predictions, strict=True), start=1):
        labels = prediction['label_map']
        assert len(np.unique(labels)) == 3  # else little is tested
        np.testing.assert_array_equal(np.asarray(Image.open(out / f'pred/{name}.png')), labels)
        for way, class_name in enumerate(('cat', 'dog'), start=1):
            label = annotation_label(out / f'labelme/{name}.json', labels.shape, class_name)
            np.testing.assert_array_equal(label, labels == way)
            areas = [
                int(row['area'])
                for row in rows
                if (row['image'], row['class']) == (f'{name}.png', class_name)
            ]
            assert sum(areas) == (labels == way).sum()
        for file in ('coco.json', 'coco_polygons.json'):
            coco = COCO(str(out / file))
            found = np.zeros(labels.shape, np.uint8)
            for annotation in coco.loadAnns(coco.getAnnIds(number)):
                found[coco.annToMask(annotation) > 0] = annotation['category_id']
            np.testing.assert_array_equal(found, labels)
        instances = prediction['instances']
        assert sum(one.area for one in instances) == (labels > 0).sum()
        scores = prediction['scores']
        for one in instances:
            x, y, width, height = one.box
            inside = scores[one.label, y : y + height, x : x + width][one.mask]
            assert one.score == pytest.approx(inside.mean(), abs=1e-4)
        image_path = read_json(out / f'labelme/{name}.json')['imagePath']
        assert (out / 'labelme' / image_path).resolve() == photos / f'{name}.png'


def test_only_what_is_asked_for_is_written(tmp_path, inferencer, photos) -> None:
    inferencer(str(photos), out_dir=str(tmp_path / 'one'), out_formats=())
    assert files(tmp_path / 'one') == ['run.jsonl', 'vis/a.jpg', 'vis/b.jpg']
    result = inferencer(str(photos), out_dir=str(tmp_path / 'two'), out_formats='csv')
    assert files(tmp_path / 'two') == [
        'areas.csv',
        'instances.jsonl',
        'run.jsonl',
        'vis/a.jpg',
        'vis/b.jpg',
    ]
    assert 'instances' not in inferencer(str(photos))['predictions'][0]
    assert result['predictions'][0]['label_map'].shape == (48, 70)
    samples = inferencer(str(photos), return_datasamples=True, return_instances=True)
    assert samples['predictions'][0].instances


def test_small_parts_are_no_instances(tmp_path, inferencer, photos) -> None:
    options = dict(out_dir=str(tmp_path), out_formats=('coco',), min_area=40)
    inferencer(str(photos), **options)
    areas = [one['area'] for one in read_json(tmp_path / 'coco.json')['annotations']]
    assert areas and min(areas) >= 40
    inferencer(str(photos), **{**options, 'min_area': 1})
    assert len(read_json(tmp_path / 'coco.json')['annotations']) > len(areas)


def test_a_run_that_stops_half_way_leaves_what_is_done(tmp_path, inferencer, photos) -> None:
    (photos / 'c.png').write_text('no image')
    out = tmp_path / 'out'
    with pytest.raises(ValueError, match='c.png'):
        inferencer(str(photos), out_dir=str(out), out_formats=ALL)
    assert [image['file_name'] for image in read_json(out / 'coco.json')['images']] == [
        'a.png',
        'b.png',
    ]
    for batch in inferencer.stream(str(photos), out_dir=str(out), out_formats=ALL):
        assert batch['predictions']
        break
    assert [image['file_name'] for image in read_json(out / 'coco.json')['images']] == ['a.png']
    # One that ends before its first image spoils nothing of the run before.
    before = (out / 'coco.json').read_bytes()
    with pytest.raises(ValueError, match='c.png'):
        inferencer(str(photos / 'c.png'), out_dir=str(out), out_formats=ALL)
    assert (out / 'coco.json').read_bytes() == before
    assert not [name for name in os.listdir(out) if name.startswith('.')]


def test_a_resumed_run_counts_what_was_done(tmp_path, inferencer, photos) -> None:
    """Also where the run before was killed while it wrote a line."""
    out, whole = tmp_path / 'out', tmp_path / 'whole'
    options = dict(return_datasamples=True, return_instances=True)
    samples = {
        path.name: inferencer(str(path), **options)['predictions'][0] for path in photos.iterdir()
    }
    query = SimpleNamespace(image=None)

    def run(folder, *names: str, resume: bool = False) -> dict:
        with ResultFiles(folder, ['coco', 'csv']) as files:
            if resume:
                files.log.resume()
            for name in names:
                files.write(query, samples[name])
        return read_json(folder / 'coco.json')

    expected = run(whole, 'a.png', 'b.png')
    run(out, 'a.png')
    with open(out / 'instances.jsonl', 'a') as file:
        file.write('\n' + json.dumps(dict(name='b'))[:-3])
    assert run(out, 'b.png', resume=True) == expected
    assert (out / 'areas.csv').read_text() == (whole / 'areas.csv').read_text()
    assert run(out, 'a.png', 'b.png', resume=True) == expected  # each once
    assert len(run(out, 'b.png')['images']) == 1


def test_what_a_person_has_corrected_is_left_alone(
    tmp_path, inferencer, photos, monkeypatch
) -> None:
    out, told = tmp_path / 'out', []
    monkeypatch.setattr(result_files, 'print_log', lambda message, *_: told.append(message))
    run = lambda: inferencer(str(photos), out_dir=str(out), out_formats=['labelme'])  # noqa: E731
    run()
    path = out / 'labelme/a.json'
    corrected = read_json(path)
    corrected['shapes'][0]['label'] = 'horse'
    path.write_text(json.dumps(corrected))
    (out / 'labelme/b.json').write_text('no json')
    run()
    assert told and '2 files in' in told[0]
    assert read_json(path) == corrected
    assert (out / 'labelme/b.json').read_text() == 'no json'


def test_frames_and_arrays_are_put_into_the_file(tmp_path, inferencer, photos) -> None:
    image = cv2.imread(str(photos / 'a.png'))
    inferencer(image, out_dir=str(tmp_path / 'out'), out_formats=['labelme', 'coco'])
    content = read_json(tmp_path / 'out/labelme/00000000.json')
    assert content['imagePath'] == '00000000.png' and content['imageData']
    assert read_json(tmp_path / 'out/coco.json')['images'][0]['file_name'] == '00000000.png'


def test_mistakes_are_told(tmp_path, inferencer, photos) -> None:
    with pytest.raises(ValueError, match=r"out_formats are some of .*'labelme'.*, not \['xml'\]"):
        inferencer(str(photos), out_dir=str(tmp_path / 'out'), out_formats=['png', 'xml'])
    with pytest.raises(ValueError, match='tolerance is a number of pixels from 0 on, got -1'):
        inferencer(str(photos), out_dir=str(tmp_path / 'out'), tolerance=-1)
    assert not (tmp_path / 'out').exists()


def test_a_stopped_run_is_gone_on_with_in_files_of_all_images(tmp_path, inferencer, photos) -> None:
    options = dict(out_formats=('coco', 'csv'), resume=True)
    stream = inferencer.stream(str(photos), out_dir=str(tmp_path / 'parts'), **options)
    next(stream)
    stream.close()
    stopped = json.loads((tmp_path / 'parts/coco.json').read_text())
    for name in ('parts', 'whole'):
        inferencer(str(photos), out_dir=str(tmp_path / name), **options)
    parts, whole = (
        json.loads((tmp_path / f'{name}/coco.json').read_text()) for name in ('parts', 'whole')
    )
    assert len(stopped['images']) < len(whole['images']) and parts == whole
    tables = [(tmp_path / f'{name}/areas.csv').read_text() for name in ('parts', 'whole')]
    assert tables[0] == tables[1]


def test_a_resumed_run_takes_nothing_of_another_one(tmp_path, inferencer, photos) -> None:
    """Where the run to go on with had failed before its first image."""
    scene = draw_scene(64, 64, [[0], [1]], np.random.RandomState(0))
    dog = inferencer.fit_support([scene.image], [scene.label_map == 2], 'dog')
    out = tmp_path / 'out'
    options = dict(out_dir=str(out), out_formats=('coco', 'csv'))
    inferencer(str(photos / 'a.png'), **options)
    broken = photos / 'c.png'
    broken.write_text('no image')
    queries = [str(broken), str(photos / 'b.png')]
    with pytest.raises(ValueError, match='c.png'):
        inferencer(queries, support=dog, **options)
    inferencer(queries, support=dog, resume=True, skip_unreadable=True, **options)
    content = read_json(out / 'coco.json')
    assert [image['file_name'] for image in content['images']] == ['b.png']
    assert content['categories'] == [dict(id=1, name='dog')]


def test_results_that_are_gone_or_wanted_elsewhere_are_made_again(
    tmp_path, inferencer, photos
) -> None:
    options = dict(out_dir=str(tmp_path / 'out'), out_formats=('png', 'labelme'), save_scores=True)
    inferencer(str(photos), **options)
    expected = files(tmp_path / 'out')
    for name in ('pred/a.png', 'pred/b.npy', 'labelme/a.json', 'labelme/b.json'):
        (tmp_path / 'out' / name).unlink()
        inferencer(str(photos), resume=True, **options)
        assert files(tmp_path / 'out') == expected
    inferencer(str(photos), resume=True, pred_out_dir='maps', **options)
    assert (tmp_path / 'out/maps/a.png').exists() and (tmp_path / 'out/maps/b.npy').exists()


def test_a_video_is_not_resumed(tmp_path, inferencer, photos) -> None:
    options = dict(out_dir=str(tmp_path / 'out'), resume=True)
    with pytest.raises(ValueError, match='leave out video_out or resume'):
        inferencer(str(photos), video_out=str(tmp_path / 'film.avi'), **options)


def test_frames_of_films_have_files_of_their_own(tmp_path, inferencer, photos) -> None:
    """No other program could open film.avi#1."""
    film = cv2.VideoWriter(str(tmp_path / 'film.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 5, (70, 48))
    for _ in range(3):
        film.write(cv2.imread(str(photos / 'a.png')))
    film.release()
    out = tmp_path / 'out'
    frames = [f'{tmp_path}/film.avi#{number}' for number in (0, 2)]
    inferencer(frames, out_dir=str(out), out_formats=['labelme', 'coco'])
    names = [image['file_name'] for image in read_json(out / 'coco.json')['images']]
    assert names == ['film_0.png', 'film_2.png']
    content = read_json(out / 'labelme/film_2.json')
    assert content['imagePath'] == 'film_2.png' and content['imageData']


@pytest.mark.parametrize('name', NO_CLASS)
def test_classes_that_labelme_would_cut_out_are_refused(tmp_path, inferencer, photos, name) -> None:
    scene = draw_scene(64, 64, [[0], [1]], np.random.RandomState(0))
    support = inferencer.fit_support([scene.image], [scene.label_map == 2], name)
    with pytest.raises(ValueError, match=f'LabelMe cannot have a class {name!r}: its shapes would'):
        inferencer(str(photos), support=support, out_dir=str(tmp_path / 'o'), out_formats='labelme')
    assert not (tmp_path / 'o').exists()
    inferencer(str(photos), support=support, out_dir=str(tmp_path / 'o'))


def test_results_overwrite_no_image_to_segment(tmp_path, inferencer, photos) -> None:
    """As where pictures of an earlier run are segmented, or names take turns."""
    inferencer(str(photos), out_dir=str(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.[jp][pn]g')}
    vis = tmp_path / 'vis'
    with pytest.raises(ValueError, match='vis/a.jpg is an image to segment, and the results of a '):
        inferencer(str(vis), out_dir=str(tmp_path))
    queries = [str(photos / 'b.png'), str(vis / 'b.jpg')]
    with pytest.raises(ValueError, match='vis/b.jpg is an image .* of b would overwrite it'):
        inferencer(queries, out_dir=str(tmp_path))
    with pytest.raises(ValueError, match='photos/a.png is an image to segment'):
        inferencer(str(photos), out_dir=str(photos), pred_out_dir='')
    assert {path: path.read_bytes() for path in tmp_path.rglob('*.[jp][pn]g')} == before
    inferencer(str(vis), out_dir=str(vis), pred_out_dir='')  # beside the images
    assert files(vis) == ['a.jpg', 'a.png', 'b.jpg', 'b.png', 'run.jsonl', 'vis/a.jpg', 'vis/b.jpg']


def test_a_video_does_not_overwrite_itself(tmp_path, inferencer) -> None:
    (tmp_path / 'film.avi').write_bytes(b'film')
    with pytest.raises(ValueError, match='film.avi is the video to segment'):
        inferencer(str(tmp_path / 'film.avi'), video_out=tmp_path / 'x/../film.avi')


@pytest.mark.parametrize('name', ['coco.json', 'coco_polygons.json', 'areas.csv'])
def test_files_of_others_are_not_overwritten(tmp_path, inferencer, photos, name) -> None:
    out = tmp_path / 'out'
    options = dict(out_dir=str(out), out_formats=('coco', 'coco-polygons', 'csv'))
    for _ in range(2):
        inferencer(str(photos / 'a.png'), **options)  # its own are
    (out / name).write_text('{"info": {}, "images": []}')
    with pytest.raises(FileExistsError, match=f'{name} was not written by this package: move it'):
        inferencer(str(photos / 'a.png'), **options)
    assert (out / name).read_text() == '{"info": {}, "images": []}'
