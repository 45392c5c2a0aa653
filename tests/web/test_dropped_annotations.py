"""Files of annotations that are dropped on the page, sound and hostile."""

import base64
import json
import tempfile
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import annotation_files
from helpers.annotation_files import SIZES, expected

from mmfewshot_seg.web import dropped_annotations, images
from mmfewshot_seg.web.dropped_annotations import dropped_examples, mask_strokes

IMAGES = [(f'{name}.jpg', size) for name, size in SIZES.items()]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """The folder of temporary files, in which nothing is left."""
    folder = tmp_path / 'temporary'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def drop(*files: tuple[str, object], images_=IMAGES, most: int = 100) -> dict:
    """Examples of files whose content is given as text, bytes or what json takes."""
    contents = [(name, _bytes(content)) for name, content in files]
    return dropped_examples(contents, images_, most, nullcontext)


def _bytes(content: object) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def opaque(stroke: dict) -> np.ndarray:
    """(H, W) bool that a stroke paints."""
    data = np.frombuffer(base64.b64decode(stroke['url'].partition(',')[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[..., 3] > 0


def shape(label: str = 'leaf', kind: str = 'polygon', box=(5, 4, 20, 14), **more) -> dict:
    return dict(annotation_files.labelme_shape(kind, label, list(box)), **more)


def labelme(*shapes: dict, **more) -> dict:
    content = dict(imagePath='a.jpg', imageHeight=40, imageWidth=50, shapes=list(shapes))
    return dict(content, **more)


def files_of(writer, folder: Path, kind: str) -> list[tuple[str, bytes]]:
    paths = sorted(path for path in writer(folder, kind).rglob('*') if path.suffix in SUFFIXES)
    return [(path.name, path.read_bytes()) for path in paths]


SUFFIXES = ('.json', '.xml')
FORMATS = [
    (writer, kind)
    for name, writer, kind in annotation_files.FORMATS
    if name in ('LabelMe', 'COCO json', 'CVAT for images')
]


@pytest.mark.parametrize(('writer', 'kind'), FORMATS)
def test_every_class_of_every_image_is_an_example(writer, kind, tmp_path) -> None:
    answer = drop(*files_of(writer, tmp_path / 'data', kind))
    json.dumps(answer)
    assert answer['errors'] == answer['unmarked'] == []
    pairs = [(example['name'], example['image']) for example in answer['examples']]
    assert pairs == [('leaf', 'a.jpg'), ('leaf', 'b.jpg'), ('snow board', 'a.jpg')]
    for example in answer['examples']:
        (stroke,) = example['strokes']
        assert stroke['tool'] == 'mask'
        mask = expected(example['image'][0], example['name'])
        np.testing.assert_array_equal(opaque(stroke), mask > 0)


def test_images_that_were_not_dropped_are_left_out_and_others_named(tmp_path) -> None:
    for writer, kind in ((annotation_files.coco, 'rle'), (annotation_files.cvat, 'box')):
        files = files_of(writer, tmp_path / writer.__name__, kind)
        answer = drop(*files, images_=[IMAGES[0], ('c.jpg', (9, 9))])
        assert [example['name'] for example in answer['examples']] == ['leaf', 'snow board']
        assert answer['errors'] == [] and answer['unmarked'] == ['c.jpg']
        answer = drop(*files, images_=[('c.jpg', (9, 9))])
        assert answer['errors'] == [
            f'{files[0][0]}: none of its images is among those given: add some, the first is '
            "called 'a.jpg'"
        ]


def test_folders_in_names_do_not_matter(tmp_path) -> None:
    ((name, content),) = files_of(annotation_files.coco, tmp_path / 'data', 'polygon')
    for folder in ('train/', 'C:\\\\photos\\\\', '../../'):
        moved = content.replace(b'"a.jpg"', f'"{folder}a.jpg"'.encode())
        assert len(drop((name, moved))['examples']) == 3
    both = content.replace(b'"a.jpg"', b'"x/b.jpg"')
    assert drop((name, both))['errors'] == [
        f"{name} names two images 'b.jpg' in different folders: rename one"
    ]


def test_scribbles_mark_the_background_too() -> None:
    line = dict(shape_type='linestrip', points=[[5, 5], [30, 5]])
    other = dict(shape_type='linestrip', points=[[5, 30], [30, 30]])
    answer = drop(('a.json', labelme(dict(line, label='leaf'), dict(other, label='background'))))
    (strokes,) = [example['strokes'] for example in answer['examples']]
    assert [stroke['tool'] for stroke in strokes] == ['mask', 'background']
    leaf, background = map(opaque, strokes)
    assert leaf[5, 15] and background[30, 15] and not (leaf | background)[20, 15]
    errors = drop(('a.json', labelme(dict(line, label='leaf'))))['errors']
    assert errors[0].startswith("a.json (a.jpg): the mask marks 'leaf' but no background; with")
    assert "named 'background'" in errors[0]


def test_masks_of_large_images_are_as_small_as_they_are_looked_at(monkeypatch) -> None:
    label = np.zeros((40, 60), np.uint8)
    label[:20, :30], label[20:, 30:] = 1, 255
    mask, background = map(opaque, mask_strokes(label))
    np.testing.assert_array_equal(mask, label == 1)
    monkeypatch.setattr(images, 'SEEN_PIXELS', 600)
    mask, background = map(opaque, mask_strokes(label))
    np.testing.assert_array_equal(mask, (label == 1)[::2, ::2])
    np.testing.assert_array_equal(background, (label == 0)[::2, ::2])


def test_one_broken_file_stops_no_other() -> None:
    good, star = labelme(shape()), dict(shape('fan'), shape_type='star')
    of_b = dict(imagePath='b.jpg', imageHeight=30, imageWidth=60)
    answer = drop(
        ('broken.json', '{'),
        ('a.json', good),
        ('other.json', dict(keys=1)),
        ('gone.json', dict(good, imagePath='gone.jpg')),
        ('empty.json', b''),
        ('video.xml', '<annotations><track/></annotations>'),
        ('b.json', dict(of_b, shapes=[shape(), star])),
    )
    assert [one['image'] for one in answer['examples']] == ['a.jpg', 'b.jpg']
    starts = (
        'broken.json cannot be read as json: Expecting property name',
        'other.json is no json of COCO (images, annotations, categories) or LabelMe (shapes)',
        'gone.json: its image is not among those given: add the one that imagePath names, or one',
        'empty.json cannot be read as json',
        "video.xml is CVAT's export of a video: export it as",
        "b.json: a star named 'fan' is not understood; shapes are",
    )
    assert len(answer['errors']) == len(starts)
    for error, start in zip(answer['errors'], starts, strict=True):
        assert error.startswith(start)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (labelme(shape(), imageHeight=10**9, imageWidth=10**9), '1000000000x1000000000 pixels'),
        (labelme(shape(points=[[0, 0], [1e12, 0], [1e12, 1e12]])), 'far outside its image'),
        (labelme(shape(points=[[1, 1]])), 'at least 3'),
        (labelme(shape(points='x')), 'made of numbers'),
        (labelme(dict(shape(), label=7)), "has no 'label'"),
        (labelme(shape(points=[[0, 0], [0.1, 0], [0.1, 0.1]])), 'counted in pixels'),
        (labelme(imagePath=['x']), None),
        ('[' * 100_000, 'nested too deeply'),
        (b'\xff\xfe\x00', 'cannot be read as json'),
        (labelme(shape(kind='mask', mask='####')), 'no base64'),
    ],
)
def test_hostile_files_are_told(content, message) -> None:
    answer = drop(('a.json', content))
    assert answer['examples'] == []
    assert len(answer['errors']) == (message is not None)
    for error in answer['errors']:
        assert message in error and error.startswith('a.json') and '/' not in error


def test_huge_declared_sizes_take_no_memory() -> None:
    image = dict(id=1, file_name='a.jpg', height=10**6, width=10**6)
    run_lengths = dict(size=[10**6, 10**6], counts=[0, 10**12])
    object_ = dict(id=1, image_id=1, category_id=1, segmentation=run_lengths)
    coco = dict(images=[image], annotations=[object_], categories=[dict(id=1, name='leaf')])
    mask = '<mask label="leaf" rle="0, 225000000" left="0" top="0" width="15000" height="15000"/>'
    cvat = f'<annotations><image name="a.jpg" width="50" height="40">{mask * 200}</image>'
    tracemalloc.start()
    answer = drop(('c.json', coco), ('v.xml', f'{cvat}</annotations>'))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer['examples'] == [] and peak < 30e6
    assert any('1000000x1000000' in error for error in answer['errors'])
    assert any('a mask of 15000x15000 pixels' in error for error in answer['errors'])


@pytest.mark.parametrize(
    'path',
    ['/etc/passwd', '../../../../etc/passwd', '..\\..\\secret.png', 'x' * 5000, 'a\0b', '..'],
)
def test_images_are_never_looked_for_on_the_server(path, tmp_path, monkeypatch) -> None:
    (tmp_path / 'secret.png').write_text('')
    asked = []
    monkeypatch.setattr(Path, 'is_file', lambda path: asked.append(path) or True)
    image = dict(id=1, file_name=path, height=40, width=50)
    object_ = dict(id=1, image_id=1, category_id=1, bbox=[1, 1, 9, 9])
    coco = dict(images=[image], annotations=[object_], categories=[dict(id=1, name='leaf')])
    for content in (labelme(shape(), imagePath=path), coco):
        answer = drop(('other.json', content))
        assert answer['examples'] == [] and len(answer['errors']) == 1
        assert 'among those given' in answer['errors'][0]
    assert {path.name for path in asked} == {'other.json'}


@pytest.mark.parametrize(
    'name', ['../a.json', '/tmp/a.json', 'x/a.json', '..', '', '.', '\\a.json']
)
def test_names_that_are_paths_are_refused(name) -> None:
    answer = drop((name, labelme(shape())))
    expected_error = f'{name}: this is a path, expected the name of a file'
    assert answer['errors'] == [expected_error.removeprefix(': ')]


@pytest.mark.parametrize('name', ['a\0.json', 'x' * 300 + '.json', '\ud800.json'])
def test_names_that_no_file_has_are_refused(name) -> None:
    (error,) = drop((name, labelme(shape())))['errors']
    assert error.startswith(f'{name}: ')


def test_two_files_of_one_name_are_both_left_out() -> None:
    files = [(name, labelme(shape())) for name in ('x.json', 'x.json', 'y.json')]
    answer = drop(*files)
    assert len(answer['examples']) == 1
    assert answer['errors'] == ['x.json: two files have this name, give each its own']
    answer = drop(files[2], images_=[*IMAGES, ('a.jpg', (9, 9))])
    assert answer['examples'] == [] and 'a.jpg: two files' in answer['errors'][0]


@pytest.mark.parametrize(
    'name', ['<b onclick="x">', '../etc', "'; --", 'Blatt größe', '叶', 'a\nb', '']
)
def test_classes_keep_their_names(name) -> None:
    answer = drop(('a.json', labelme(shape(name))))
    assert [example['name'] for example in answer['examples']] == [name]


def test_more_examples_than_the_page_takes_are_refused() -> None:
    shapes = [shape(f'class {number}') for number in range(4)]
    with pytest.raises(ValueError, match='4 examples are marked, the page takes 3: drop fewer'):
        drop(('a.json', labelme(*shapes)), most=3)
    assert len(drop(('a.json', labelme(*shapes)), most=4)['examples']) == 4


def test_more_shapes_than_the_page_draws_are_told(monkeypatch) -> None:
    monkeypatch.setattr(dropped_annotations, 'MAX_DRAWN', 5 * 40 * 50)
    shapes = [shape('many')] * 5 + [shape('few')]
    answer = drop(('a.json', labelme(*shapes)))
    assert [example['name'] for example in answer['examples']] == ['few']
    assert "a.json (a.jpg): 5 shapes of 'many' on 50x40 pixels are more" in answer['errors'][0]


def test_a_file_that_marks_nothing_is_no_example() -> None:
    answer = drop(('a.json', labelme()))
    assert answer == dict(examples=[], errors=[], unmarked=['a.jpg', 'b.jpg'])
    outside = labelme(shape(box=(60, 60, 70, 70)))
    (error,) = drop(('a.json', outside))['errors']
    assert error == "a.json (a.jpg): the mask marks no pixel of 'leaf'"
