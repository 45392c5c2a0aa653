"""Random annotations, masks and images: never a crash, never a wrong mask, memory bounded.

Each test draws cases until its time is up: a second, or FUZZ_SECONDS. What failed is printed as
FUZZ_SEED, the first case of the next run. What a mask should be is computed here, pixel by pixel,
without OpenCV and pycocotools; pixels that an outline passes may be either.
"""

import copy
import json
import os
import re
import resource
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers import annotation_files
from mmengine.registry import init_default_scope
from PIL import Image

from mmfewshot_seg.annotations import annotation_label, read_annotations
from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.datasets.sources import Coco20iSource, FolderSource
from mmfewshot_seg.datasets.sources.masks import mask_label

SECONDS = float(os.environ.get('FUZZ_SECONDS', 1))
SEED = int(os.environ.get('FUZZ_SEED', 0))
MEMORY = 1 << 30  # bytes that a test may map besides what is mapped at its beginning
RNG = np.random.Generator
JUNK = (
    *(None, True, '', 'x', b'', {}, [], [[]], [None], [1], (1, 2, 3), {'label': 'cat'}, object),
    *(float('nan'), float('inf'), -float('inf'), 1e9, -3e9, 1e300, 2**31, 2**63, 10**400, -1, 0),
)


@pytest.fixture(autouse=True)
def _bounded_memory():
    """What asks for more gets MemoryError, or crashes in C."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _cases(least: int = 20) -> Iterator[RNG]:
    """Generators of random numbers, one for each case."""
    end, seed = time.monotonic() + SECONDS, SEED
    while seed < SEED + least or time.monotonic() < end:
        print(f'FUZZ_SEED={seed}')  # pytest shows it where a case fails
        yield np.random.default_rng(seed)
        seed += 1


def _size(rng: RNG) -> tuple[int, int]:
    return tuple(rng.integers(3, [60, 90]).tolist())


def _points(rng: RNG, size: tuple[int, int], number: int) -> np.ndarray:
    """(number, 2) points, some of them outside."""
    spread = rng.choice([1, 1, 1.5, 6])
    points = (rng.random((number, 2)) - 0.5) * spread + 0.5
    points = points * size[::-1]
    return points.round() if rng.random() < 0.3 else points


# The slow reference -----------------------------------------------------------------------------


def _centres(size: tuple[int, int]) -> np.ndarray:
    """(H, W, 2) middles of the pixels, pixel (0, 0) reaching from 0 to 1."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.stack([columns, rows], -1) + 0.5


def _distance(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) distance of each pixel to the line through points."""
    centres, least = _centres(size), np.full(size, np.inf)
    ends = points[1:] if len(points) > 1 else points
    for start, end in zip(points, ends, strict=False):
        step = end - start
        along = ((centres - start) @ step) / max(step @ step, 1e-12)
        nearest = start + np.clip(along, 0, 1)[..., None] * step
        least = np.minimum(least, np.linalg.norm(centres - nearest, axis=-1))
    return least


def _polygon(points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) inside by the parity of crossings, and where an edge passes."""
    x, y = _centres(size).transpose(2, 0, 1)
    inside = np.zeros(size, bool)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, 0), strict=True):
        if y1 != y2:
            crosses = ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
            inside ^= crosses
    return inside, _distance(np.concatenate([points, points[:1]]), size) < 1.2


def _box(box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) whether a box touches a pixel."""
    x, y = (_centres(size) - 0.5).transpose(2, 0, 1)
    return (box[0] < x + 1) & (box[2] > x) & (box[1] < y + 1) & (box[3] > y)


def _assert_label(get, expected: np.ndarray, sure: np.ndarray) -> None:
    """``get()`` is right where the reference is sure; it may refuse what marks nothing."""
    try:
        label = get()
    except ValueError as error:
        refused = (
            *('marks no pixel', 'but no background', 'counted in pixels', 'far outside'),
            'lies beside its image',
        )
        assert any(words in str(error) for words in refused), error
        assert 'marks no pixel' not in str(error) or not (expected == 1)[sure].any()
        return
    np.testing.assert_array_equal(label[sure], expected[sure])


# Masks that are drawn ---------------------------------------------------------------------------


def test_polygons_and_boxes() -> None:
    for rng in _cases():
        size = _size(rng)
        expected, sure = np.zeros(size, np.uint8), np.ones(size, bool)
        polygons = [_points(rng, size, rng.integers(3, 12)) for _ in range(rng.integers(0, 4))]
        boxes = [
            np.concatenate([p.min(0), p.max(0) + 0.01])
            for p in (_points(rng, size, 2) for _ in range(rng.integers(polygons == [], 3)))
        ]
        for polygon in polygons:
            inside, near = _polygon(polygon, size)
            expected[inside] = 1
            sure &= ~near
        for box in boxes:
            touched = _box(box, size)
            expected[touched] = 1
            sure |= touched
        shapes = dict(polygons=polygons, boxes=boxes)
        _assert_label(lambda: annotation_label(shapes, size, 'cat'), expected, sure)  # noqa: B023


def test_scribbles() -> None:
    for rng in _cases():
        size, width = _size(rng), int(rng.integers(1, 9))
        lines = {
            key: [_points(rng, size, rng.integers(1, 6)) for _ in range(rng.integers(1, 4))]
            for key in ('scribbles', 'background')
        }
        expected, sure = np.full(size, 255, np.uint8), np.ones(size, bool)
        for value, key in ((0, 'background'), (1, 'scribbles')):
            for line in lines[key]:
                far = _distance(np.floor(line) + 0.5, size) - width / 2
                expected[far < 0] = value
                sure &= (far < -1) | (far > 3)
                if value == 1:
                    sure |= far < -1
        shapes = dict(lines, width=width)
        _assert_label(lambda: annotation_label(shapes, size, 'cat'), expected, sure)  # noqa: B023


def test_points() -> None:
    for rng in _cases():
        size, width = _size(rng), int(rng.integers(1, 12))
        clicks = {
            key: _points(rng, size, rng.integers(1, 5)) for key in ('points', 'background_points')
        }
        expected = np.full(size, 255, np.uint8)
        for value, key in ((0, 'background_points'), (1, 'points')):
            for point in clicks[key]:
                far = np.linalg.norm(_centres(size) - np.floor(point) - 0.5, axis=-1)
                expected[far <= width / 2] = value
        shapes = dict(clicks, width=width)
        sure = np.ones(size, bool)
        _assert_label(lambda: annotation_label(shapes, size, 'cat'), expected, sure)  # noqa: B023


NAMES = ('cat', 'dog', '_background_', '__ignore__', '猫', 'Ünï code', '')


def _labelme(rng: RNG, size: tuple[int, int], name: str) -> tuple[dict, np.ndarray, np.ndarray]:
    """A file of polygons and rectangles, its label map, and where that is sure."""
    expected, sure, shapes = np.zeros(size, np.uint8), np.ones(size, bool), []
    values = {'_background_': 0, '__ignore__': 255, name: 1}
    for _ in range(rng.integers(1, 6)):
        label = name if rng.random() < 0.5 else NAMES[rng.integers(len(NAMES))]
        is_box = rng.random() < 0.4
        points = _points(rng, size, 2 if is_box else rng.integers(3, 9))
        shape = dict(label=label, points=points.tolist(), group_id=None, flags={})
        if is_box or rng.random() < 0.7:
            shape['shape_type'] = 'rectangle' if is_box else 'polygon'
        shapes.append(shape)
        if is_box:
            points[1] += (points[0] == points[1]) * 0.01
            shape['points'] = points.tolist()
            inside = _box(np.concatenate([points.min(0), points.max(0)]), size)
            near = np.zeros(size, bool)
        else:
            inside, near = _polygon(points, size)
        if label in values:
            expected[inside] = values[label]
            sure = (sure | (inside & ~near)) & ~near
    shapes.append(dict(label=name, points=[[1, 1], [2, 1], [2, 2]], shape_type='polygon'))
    sure[:4, :4] = False
    return dict(shapes=shapes, imageHeight=size[0], imageWidth=size[1]), expected, sure


def test_labelme(tmp_path) -> None:
    path = tmp_path / 'image.json'
    for rng in _cases():
        size, name = _size(rng), NAMES[rng.choice([0, 4, 5])]
        content, expected, sure = _labelme(rng, size, name)
        path.write_text(json.dumps(content, ensure_ascii=bool(rng.random() < 0.5)))
        _assert_label(lambda: annotation_label(path, size, name), expected, sure)  # noqa: B023


def _run_lengths(mask: np.ndarray) -> dict:
    column = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(column)) + 1
    counts = np.diff([0, *edges, column.size]).tolist()
    return dict(size=list(mask.shape), counts=[0, *counts] if column[0] else counts)


def test_coco(tmp_path) -> None:
    for rng in _cases(10):
        size = _size(rng)
        expected, sure, annotations = np.zeros(size, np.uint8), np.ones(size, bool), []
        for number in range(rng.integers(1, 5)):
            if rng.random() < 0.5:
                points = _points(rng, size, rng.integers(3, 9))
                inside, near = _polygon(points, size)
                segmentation, sure = [points.reshape(-1).tolist()], sure & ~near
            else:
                inside = rng.random(size) < 0.3
                segmentation = _run_lengths(inside)
            expected[inside] = 1
            fields = dict(id=number, image_id=1, category_id=1, segmentation=segmentation)
            annotations.append(dict(fields, iscrowd=0))
        image = dict(id=1, file_name='a.png', height=size[0], width=size[1])
        content = dict(
            images=[image], annotations=annotations, categories=[dict(id=1, name='leaf')]
        )
        (tmp_path / 'ann.json').write_text(json.dumps(content))
        source = Coco20iSource(str(tmp_path / 'ann.json'), str(tmp_path), index_dir=None)
        np.testing.assert_array_equal(source.label_map(0, (0,))[sure], expected[sure])


# Masks that are stored --------------------------------------------------------------------------


def _stored(rng: RNG, mask: np.ndarray) -> Image.Image:
    """A picture of a mask in one of the ways that can be read in one way only."""
    white, grey = (
        np.where(mask, 255, 0).astype(np.uint8),
        Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)),
    )
    colour = rng.integers(1, 256, 3)
    coloured = np.where(mask[..., None], colour, 0).astype(np.uint8)
    forms = (
        lambda: grey,
        lambda: grey.convert(str(rng.choice(['1', 'RGB', 'RGBA', 'LA', 'CMYK', 'P', 'I', 'F']))),
        lambda: grey.convert('P', palette=Image.Palette.ADAPTIVE, colors=2),
        lambda: Image.fromarray(coloured).convert('P', palette=Image.Palette.ADAPTIVE, colors=2),
        lambda: Image.fromarray(coloured),
        lambda: Image.fromarray(np.dstack([coloured, np.where(mask, 255, 0).astype(np.uint8)])),
        lambda: Image.fromarray(np.dstack([np.full_like(coloured, colour), white])),
        lambda: Image.fromarray(white.astype(np.uint16) * 257),
        lambda: Image.fromarray(mask.astype(np.uint8)),
    )
    return forms[rng.integers(len(forms))]()


def _turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """As the table of EXIF says."""
    if orientation >= 5:
        array = array.T
    return array[
        :: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1
    ]


def test_stored_masks(tmp_path) -> None:
    for rng in _cases():
        mask = rng.random(_size(rng)) < rng.choice([0.05, 0.5, 0.95])
        mask[0, 0], mask[-1, -1] = True, False
        image, orientation = _stored(rng, mask), int(rng.integers(1, 9))
        np.testing.assert_array_equal(mask_label(image), mask)
        if image.mode in ('CMYK', 'F', 'I'):
            continue  # no PNG
        exif = image.getexif()
        exif[0x0112] = orientation
        image.save(tmp_path / 'mask.png', exif=exif)
        np.testing.assert_array_equal(mask_label(tmp_path / 'mask.png'), _turned(mask, orientation))


# Nothing but clear messages ---------------------------------------------------------------------


def _mutated(rng: RNG, value):
    """A copy with some of its parts replaced by junk, left out or doubled."""
    if rng.random() < 0.07:
        return copy.copy(JUNK[rng.integers(len(JUNK))])
    if isinstance(value, dict):
        return {k: _mutated(rng, v) for k, v in value.items() if rng.random() > 0.04}
    if isinstance(value, list):
        value = [_mutated(rng, v) for v in value]
        return value * 2 if rng.random() < 0.03 else value
    return value


def _valid(rng: RNG, size: tuple[int, int]) -> dict:
    shapes = dict(
        polygons=[_points(rng, size, 5).tolist()],
        boxes=[[0, 1, *size[::-1]]],
        scribbles=[_points(rng, size, 2).tolist()],
        background=[_points(rng, size, 2).tolist()],
        points=_points(rng, size, 3).tolist(),
        background_points=_points(rng, size, 3).tolist(),
        width=3,
    )
    return {key: value for key, value in shapes.items() if key == 'boxes' or rng.random() < 0.5}


def test_odd_shapes_are_refused_in_words() -> None:
    for rng in _cases(200):
        size = _size(rng)
        annotation = _mutated(rng, _valid(rng, size))
        if not isinstance(annotation, dict):
            continue
        try:
            label = annotation_label(annotation, size, 'cat')
        except ValueError as error:
            assert len(str(error)) < 600, error
        else:
            assert label.shape == size and set(np.unique(label)) <= {0, 1, 255}


def test_odd_files_of_labelme_are_refused_in_words(tmp_path) -> None:
    path = tmp_path / 'image.json'
    for rng in _cases(100):
        size = _size(rng)
        content = _mutated(rng, _labelme(rng, size, 'cat')[0])
        path.write_text(json.dumps(content, default=str))
        try:
            annotation_label(path, size, 'cat')
        except ValueError as error:
            assert 'image.json' in str(error) or 'the mask' in str(error) or 'pixels' in str(error)


FILES = {
    'data.yaml': annotation_files.yolo,
    'labels/train/a.txt': annotation_files.yolo,
    'annotations.xml': annotation_files.cvat,
    'annotations/instances_default.json': annotation_files.coco,
    'classes.txt': annotation_files.label_maps,
    'labelmap.txt': annotation_files.label_maps,
    'a.json': annotation_files.labelme,
}


def _garbled(rng: RNG, text: str) -> str:
    """A text with some of its words exchanged, doubled or replaced by junk."""
    words = re.split(r'(\W+)', text)
    for _ in range(rng.integers(1, 4)):
        place = rng.integers(len(words))
        junk = str(JUNK[rng.integers(len(JUNK))])[:20]
        others = [junk, '', words[rng.integers(len(words))], words[place] * 2]
        words[place] = others[rng.integers(4)]
    return ''.join(words)


@pytest.mark.parametrize('file', FILES)
def test_garbled_files_of_every_format_are_refused_in_words(tmp_path, file) -> None:
    write = FILES[file]
    kinds = {
        annotation_files.cvat: ('polygon', 'box', 'mask'),
        annotation_files.coco: ('polygon', 'rle', 'box'),
        annotation_files.label_maps: ('colours' if file == 'labelmap.txt' else 'values',),
        annotation_files.yolo: ('polygon', 'box'),
        annotation_files.labelme: ('polygon', 'rectangle', 'mask'),
    }[write]
    folders = [write(tmp_path / kind, kind) for kind in kinds]
    originals = [(folder / file).read_text() for folder in folders]
    for rng in _cases(40):
        number = rng.integers(len(folders))
        folder = folders[number]
        (folder / file).write_text(_garbled(rng, originals[number]), encoding='utf-8')
        try:
            for image in read_annotations(folder).images:
                size = annotation_files.SIZES[Path(image.path).stem]
                for name in image.class_names:
                    assert set(np.unique(image.label(name, size))) <= {0, 1, 255}
                assert all(thing.mask.shape == size for thing in image.objects(size))
        except (ValueError, FileNotFoundError) as error:
            assert str(folder) in str(error) or 'pixels' in str(error), error
            assert len(str(error)) < 1500, error


def test_odd_files_of_coco_are_refused_in_words(tmp_path) -> None:
    for rng in _cases(50):
        size = _size(rng)
        mask = rng.random(size) < 0.5
        shapes = ([_points(rng, size, 5).reshape(-1).tolist()], _run_lengths(mask))
        annotations = [
            dict(id=i, image_id=1, category_id=1, segmentation=s) for i, s in enumerate(shapes)
        ]
        image = dict(id=1, file_name='a.png', height=size[0], width=size[1])
        content = dict(
            images=[image], annotations=annotations, categories=[dict(id=1, name='leaf')]
        )
        (tmp_path / 'ann.json').write_text(json.dumps(_mutated(rng, content), default=str))
        try:
            source = Coco20iSource(str(tmp_path / 'ann.json'), str(tmp_path), index_dir=None)
            source.label_map(0, (0,)) if source.class_names else None
        except ValueError as error:
            assert 'ann.json' in str(error) or 'categor' in str(error), error


def _bytes(rng: RNG, kind: str) -> bytes:
    """An image file with some of its bytes changed, or cut short."""
    mode = str(rng.choice(['1', 'L', 'P', 'RGB', 'I;16'] if kind == 'png' else ['L', 'RGB']))
    mask = np.where(rng.random(_size(rng)) < 0.5, 255, 0)
    deep = mode == 'I;16'
    image = Image.fromarray(mask.astype(np.uint16 if deep else np.uint8))
    buffer = BytesIO()
    (image if deep else image.convert(mode)).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    for _ in range(rng.integers(0, 9)):
        data[rng.integers(len(data))] = rng.integers(256)
    return bytes(data[: rng.integers(len(data))] if rng.random() < 0.3 else data)


@pytest.mark.filterwarnings('ignore')
def test_broken_images_are_refused_in_words(tmp_path) -> None:
    init_default_scope('mmseg')
    pipeline = ImagePipeline([dict(type='LoadImageFromFile')])
    for rng in _cases(40):
        kind = str(rng.choice(['png', 'jpeg', 'bmp', 'webp', 'tiff', 'gif']))
        path = tmp_path / f'a.{kind}'
        path.write_bytes(_bytes(rng, kind))
        try:
            image = pipeline.load(path)
            assert image.dtype == np.uint8 and image.shape[2] == 3
        except ValueError as error:
            assert path.name in str(error)
        try:
            assert set(np.unique(mask_label(path))) <= {0, 1, 255}
        except ValueError as error:
            assert path.name in str(error)


def test_names_of_files_and_classes(tmp_path) -> None:
    letters = list('abcXYZ019 ._-+%#@!~$&()[]{};,=\'"äß猫é́🐱\u200b\u202e\n\t')
    for number, rng in enumerate(_cases(10)):
        root = tmp_path / str(number)
        names = {'x' + ''.join(rng.choice(letters, rng.integers(1, 12))) for _ in range(3)}
        for name in names:
            (root / name).mkdir(parents=True)
            for stem in {'y' + ''.join(rng.choice(letters, rng.integers(0, 9))) for _ in range(2)}:
                Image.new('L', (4, 3)).save(root / name / f'{stem}.JPG', 'jpeg')
                Image.new('L', (4, 3), 255).save(root / name / f'{stem}.Png', 'png')
        source = FolderSource(str(root), index_dir=None)
        assert set(source.class_names) == names
        assert all(source.label_map(j, range(len(names))).all() for j in range(len(source)))
