"""What is written reads back pixel by pixel, by this package and by pycocotools."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import annotation_files
from helpers.annotation_files import CLASSES, FORMATS, OBJECTS, SIZES, expected
from PIL import Image
from pycocotools.coco import COCO

from mmfewshot_seg.annotations import convert_annotations, read_annotations
from mmfewshot_seg.annotations.write_label_maps import voc_palette
from mmfewshot_seg.datasets.sources import FolderSource

TARGETS = dict(coco='COCO json', **{'class-folder': 'class folders', 'label-maps': 'label maps'})
IDS = [f'{name}-{kind}'.replace(' ', '-') for name, _, kind in FORMATS]


@pytest.mark.parametrize('to', TARGETS)
@pytest.mark.parametrize(('name', 'write', 'kind'), FORMATS, ids=IDS)
def test_round_trips_are_pixel_equal(tmp_path, name, write, kind, to) -> None:
    out = tmp_path / 'out'
    convert_annotations(read_annotations(write(tmp_path / 'data', kind)), out, to)
    annotations = read_annotations(out)
    assert annotations.format == TARGETS[to] and annotations.class_names == CLASSES
    seen = set()
    for image in annotations.images:
        stem = Path(image.path).stem.partition('_')[0]  # of class folders an image may be twice
        original = (tmp_path / 'data').parent.rglob(f'{stem}.jpg')
        assert Path(image.path).read_bytes() == next(original).read_bytes()
        for class_name in image.class_names:
            label = image.label(class_name, SIZES[stem])
            np.testing.assert_array_equal(label, expected(stem, class_name))
            seen.add((stem, class_name))
    assert seen == {(image, class_name) for image, class_name, *_ in OBJECTS}


def test_pycocotools_reads_what_is_written(tmp_path) -> None:
    for kind in ('polygon', 'mask'):
        out = tmp_path / f'out_{kind}'
        source = read_annotations(annotation_files.labelme(tmp_path / kind, kind))
        done = convert_annotations(source, out, 'coco')
        assert done.images == {'train': 2} and done.counts['train'] == {'leaf': 3, 'snow board': 1}
        coco = COCO(out / 'annotations/instances_train.json')
        found = []
        for annotation in coco.loadAnns(coco.getAnnIds()):
            image = coco.imgs[annotation['image_id']]
            assert (out / 'train' / image['file_name']).is_file()
            x, y, width, height = map(int, annotation['bbox'])
            mask = coco.annToMask(annotation)
            assert mask.sum() == mask[y : y + height, x : x + width].sum() == annotation['area']
            assert isinstance(annotation['segmentation'], list) == (kind == 'polygon')
            name = coco.cats[annotation['category_id']]['name']
            found.append((image['file_name'][0], name, x, y, x + width, y + height))
        assert sorted(found) == sorted(OBJECTS)


def _labelme_with(folder: Path, *shapes: dict) -> Path:
    """The scene, its first image with more shapes."""
    path = annotation_files.labelme(folder) / 'a.json'
    content = json.loads(path.read_text())
    content['shapes'] += shapes
    path.write_text(json.dumps(content))
    return folder


VOID = annotation_files.labelme_shape('rectangle', '__ignore__', [5, 4, 12, 30])
HOLE = annotation_files.labelme_shape('polygon', '_background_', [33, 12, 40, 20])
CLICK = dict(label='leaf', shape_type='point', points=[[2, 2]])


@pytest.mark.parametrize('to', TARGETS)
def test_void_holes_and_points(tmp_path, to) -> None:
    source = read_annotations(_labelme_with(tmp_path / 'data', VOID, HOLE))
    convert_annotations(source, tmp_path / 'out', to)
    for image in read_annotations(tmp_path / 'out').images:
        if Path(image.path).stem == 'a':
            leaf, board = expected('a', 'leaf'), expected('a', 'snow board')
            leaf[4:30, 5:12] = board[4:30, 5:12] = 255
            board[12:20, 33:40] = 0
            wanted = {'leaf': leaf, 'snow board': board}
            for name in image.class_names:
                np.testing.assert_array_equal(image.label(name, SIZES['a']), wanted[name])
    if to == 'class-folder':  # trainings read the same as supports
        label = FolderSource(str(tmp_path / 'out'), index_dir=None).label_map(0, (0,))
        assert set(np.unique(label)) == {0, 1, 255}
    if to == 'coco':
        path = tmp_path / 'out/annotations/instances_train.json'
        things = json.loads(path.read_text())['annotations']
        assert sum(thing['iscrowd'] for thing in things) == 2  # for each class of the image


@pytest.mark.parametrize('to', ['class-folder', 'coco'])
def test_what_is_drawn_on_void_is_void_for_other_classes(tmp_path, to) -> None:
    board = annotation_files.labelme_shape('polygon', 'snow board', [5, 15, 10, 25])
    source = read_annotations(_labelme_with(tmp_path / 'data', VOID, board))
    convert_annotations(source, tmp_path / 'out', to)
    found = {
        (Path(image.path).stem, name): image.label(name, SIZES[Path(image.path).stem])
        for image in read_annotations(tmp_path / 'out').images
        for name in image.class_names
    }
    for name in ('leaf', 'snow board'):
        wanted = expected('a', name)
        wanted[4:30, 5:12] = 255
        if name == 'snow board':
            wanted[15:25, 5:10] = 1
        np.testing.assert_array_equal(found['a', name], wanted)


def test_objects_of_several_shapes(tmp_path) -> None:
    parts = [
        dict(annotation_files.labelme_shape('polygon', 'leaf', box), group_id=4)
        for box in ([1, 20, 5, 25], [1, 30, 5, 35])
    ]
    source = read_annotations(_labelme_with(tmp_path / 'data', *parts))
    done = convert_annotations(source, tmp_path / 'out', 'coco')
    assert done.counts['train']['leaf'] == 4  # the two are one


def test_images_of_points_alone(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    background = dict(CLICK, label='background', points=[[45, 5]])
    content = json.loads((folder / 'a.json').read_text())
    (folder / 'a.json').write_text(json.dumps(dict(content, shapes=[CLICK, background])))
    source = read_annotations(folder)
    assert any('1 of 3 shapes are lines or points' in note for note in source.notes)
    done = convert_annotations(source, tmp_path / 'coco', 'coco')
    assert done.prompted == 1 and done.images['train'] == 1
    convert_annotations(source, tmp_path / 'folder', 'class-folder')
    label = read_annotations(tmp_path / 'folder').images[0].label('leaf', SIZES['a'])
    assert label[2, 2] == 1 and label[5, 45] == 0 and label[20, 20] == 255


def test_smaller_objects_lie_on_top(tmp_path) -> None:
    folder = annotation_files.coco(tmp_path / 'data')
    path = folder / 'annotations/instances_default.json'
    content = json.loads(path.read_text())
    cover = dict(content['annotations'][0], id=9, category_id=4)
    content['annotations'].append(dict(cover, segmentation=[[0, 0, 50, 0, 50, 40, 0, 40]]))
    path.write_text(json.dumps(content))
    convert_annotations(read_annotations(folder), tmp_path / 'out', 'label-maps')
    labels = np.array(Image.open(tmp_path / 'out/ann_dir/train/a.png'))
    np.testing.assert_array_equal(labels, 2 - expected('a', 'leaf'))


def test_splits_names_and_links(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    for number in range(8):
        for suffix in ('.jpg', '.json'):
            (folder / f'c{number}{suffix}').write_bytes((folder / f'b{suffix}').read_bytes())
        content = json.loads((folder / f'c{number}.json').read_text())
        content['imagePath'] = f'c{number}.jpg'
        (folder / f'c{number}.json').write_text(json.dumps(content))
    source = read_annotations(folder)
    out = tmp_path / 'out'
    done = convert_annotations(
        source, out, 'label-maps', ['snow board', 'leaf'], val_share=0.2, link=True
    )
    assert done.class_names == ('snow board', 'leaf') and done.images == dict(train=8, val=2)
    assert sorted(path.name for path in (out / 'img_dir/val').iterdir()) == ['a.jpg', 'c3.jpg']
    assert (out / 'img_dir/val/a.jpg').resolve() == folder / 'a.jpg'
    assert (out / 'classes.txt').read_text() == 'background\nsnow board\nleaf\n'
    picture = Image.open(out / 'ann_dir/val/a.png')
    assert picture.mode == 'P' and set(np.unique(picture)) == {0, 1, 2}
    other = read_annotations(annotation_files.coco(tmp_path / 'other'))
    done = convert_annotations(source, tmp_path / 'two', 'coco', val=other)
    assert done.images == dict(train=10, val=2)
    assert json.loads((tmp_path / 'two/annotations/instances_val.json').read_text())['images']


def test_equal_stems_and_png_images(tmp_path) -> None:
    for part in ('x', 'y'):
        annotation_files.labelme(tmp_path / f'data/images/{part}')
    for path in (tmp_path / 'data/images').rglob('*.json'):
        path.unlink()
    annotation_files.write_images(tmp_path / 'data/images/y', '.png')
    for path in list((tmp_path / 'data/images/y').glob('*.jpg')):
        path.unlink()
    for part in ('x', 'y'):
        (tmp_path / f'data/masks/{part}').mkdir(parents=True)
        for image in SIZES:
            Image.fromarray(expected(image, 'leaf')).save(
                tmp_path / f'data/masks/{part}/{image}.png'
            )
    source = read_annotations(tmp_path / 'data', class_values=dict(leaf=1))
    convert_annotations(source, tmp_path / 'out', 'class-folder')
    names = sorted(path.name for path in (tmp_path / 'out/leaf').iterdir())
    assert names == sorted(
        f'{stem}{end}' for stem in 'ab' for end in ('.jpg', '_mask.png', '_2.png', '_2_mask.png')
    )
    source = FolderSource(str(tmp_path / 'out'), index_dir=None)
    assert len(source) == 4 and len(source.pairs) == 4


def test_images_that_are_called_as_masks(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    for old, new in (('a', 'x'), ('b', 'x_mask')):  # the mask of x.png is x_mask.png
        content = json.loads((folder / f'{old}.json').read_text())
        Image.open(folder / f'{old}.jpg').save(folder / f'{new}.png')
        text = json.dumps(dict(content, imagePath=f'{new}.png'))
        (folder / f'{new}.json').write_text(text)
        (folder / f'{old}.json').unlink()
    convert_annotations(read_annotations(folder), tmp_path / 'out', 'class-folder')
    again = read_annotations(tmp_path / 'out')
    leaves = again.of_class('leaf')
    for image, old in zip(leaves, 'ab', strict=True):
        np.testing.assert_array_equal(image.label('leaf', SIZES[old]), expected(old, 'leaf'))
        with Image.open(folder / f'{old}.jpg') as photo, Image.open(image.path) as copy:
            np.testing.assert_array_equal(np.array(copy), np.array(photo))


@pytest.mark.parametrize('name', ['void', '_Ignore_', 'bg', '7', '#1', 'a, b', 'a:b', 'a ', ''])
def test_names_that_no_table_can_have(tmp_path, name) -> None:
    """Read again they would be another class, or none."""
    shape = annotation_files.labelme_shape('polygon', name, [1, 1, 4, 4])
    annotations = read_annotations(_labelme_with(tmp_path / 'data', shape))
    with pytest.raises(ValueError, match=f'classes.txt cannot name a class {name!r}'):
        convert_annotations(annotations, tmp_path / 'out', 'label-maps')
    assert not (tmp_path / 'out').exists()


def test_an_object_in_the_first_corner(tmp_path) -> None:
    """Its coordinates are from 0 to 1, but others of the image are not."""
    pixel = annotation_files.labelme_shape('polygon', 'leaf', [0, 0, 1, 1])
    image = read_annotations(_labelme_with(tmp_path / 'data', pixel)).images[0]
    mask = image.objects(SIZES['a'])[-1].mask
    assert mask[0, 0] and mask.sum() == 1


def test_names_that_no_folder_can_have(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    for path in folder.glob('*.json'):
        path.write_text(path.read_text().replace('snow board', '../x').replace('leaf', '.hidden'))
    convert_annotations(read_annotations(folder), tmp_path / 'out', 'class-folder')
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['_.._x', '_.hidden']
    assert not (tmp_path / 'x').exists()


@pytest.mark.parametrize(
    ('changes', 'error', 'message'),
    [
        (dict(to='voc'), ValueError, "to is one of .*'coco'.* got 'voc'"),
        (dict(class_names=['leef']), ValueError, "no class 'leef' .did you mean 'leaf'"),
        (dict(val_share=0.8), ValueError, 'val_share=0.8 of 2 images leaves none to train on'),
        (dict(val_share=1), ValueError, 'from 0 to below 1, got 1'),
        (dict(val_share=0.5, to='class-folder'), ValueError, 'split by classes'),
        (dict(out=''), FileExistsError, 'is there and not empty'),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(tmp_path, changes, error, message) -> None:
    source = read_annotations(annotation_files.labelme(tmp_path / 'data'))
    out = tmp_path / changes.pop('out', 'out')
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(error, match=message):
        convert_annotations(source, out, **dict(dict(to='coco'), **changes))
    assert sorted(tmp_path.rglob('*')) == before


def test_a_fault_on_the_way_leaves_nothing(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    Image.new('RGB', (9, 9)).save(folder / 'b.jpg')
    with pytest.raises(ValueError, match='b.json was drawn on an image of 60x30'):
        convert_annotations(read_annotations(folder), tmp_path / 'out', 'coco')
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_colours_of_voc() -> None:
    palette = voc_palette(256)
    assert palette[:5] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)]
    assert palette[20] == (0, 64, 128) and palette[255] == (224, 224, 192)
    assert len(set(palette)) == 256
