"""Every format says the same of one scene; what is odd is refused with file, entry and cure."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import annotation_files
from helpers.annotation_files import CLASSES, FORMATS, OBJECTS, SIZES, expected
from helpers.image_results import draw_labels, image_result
from PIL import Image

from mmfewshot_seg.annotations import read_annotations
from mmfewshot_seg.results.labelme_file import labelme_text

IDS = [f'{name}-{kind}'.replace(' ', '-') for name, _, kind in FORMATS]


def _seen(annotations) -> dict:
    """Label map of each image and class."""
    return {
        (Path(image.path).stem, name): image.label(name, SIZES[Path(image.path).stem])
        for image in annotations.images
        for name in image.class_names
    }


@pytest.mark.parametrize(('name', 'write', 'kind'), FORMATS, ids=IDS)
def test_the_scene_in_every_format(tmp_path, name, write, kind) -> None:
    annotations = read_annotations(write(tmp_path / 'data', kind))
    assert annotations.format == name and annotations.class_names == CLASSES
    seen = _seen(annotations)
    assert set(seen) == {(image, name) for image, name, *_ in OBJECTS}
    for (image, class_name), label in seen.items():
        assert label.dtype == np.uint8
        np.testing.assert_array_equal(label, expected(image, class_name))
    boxes = [note for note in annotations.notes if 'boxes' in note]
    assert bool(boxes) == (kind in ('box', 'rectangle'))


@pytest.mark.parametrize(('name', 'write', 'kind'), FORMATS, ids=IDS)
def test_objects_of_every_format(tmp_path, name, write, kind) -> None:
    found = []
    for image in read_annotations(write(tmp_path / 'data', kind)).images:
        stem = Path(image.path).stem
        for thing in image.objects(SIZES[stem]):
            rows, columns = np.nonzero(thing.mask)
            box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            assert thing.area == (box[2] - box[0]) * (box[3] - box[1]) and not thing.is_crowd
            found.append((stem, thing.class_name, *map(int, box)))
    assert sorted(found) == sorted(OBJECTS)


@pytest.mark.parametrize(
    ('write', 'file'),
    [
        (annotation_files.coco, 'annotations/instances_default.json'),
        (annotation_files.yolo, 'data.yaml'),
        (annotation_files.cvat, 'annotations.xml'),
    ],
)
def test_a_file_stands_for_its_folder(tmp_path, write, file) -> None:
    whole, one = (
        read_annotations(write(tmp_path / 'data')),
        read_annotations(tmp_path / 'data' / file),
    )
    assert whole.format == one.format and len(whole.images) == len(one.images) == 2


def test_classes_are_chosen_and_spread_evenly(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    for number in range(10):
        for suffix in ('jpg', 'json'):
            shutil.copy(folder / f'b.{suffix}', folder / f'c{number}.{suffix}')
        content = json.loads((folder / f'c{number}.json').read_text())
        content['imagePath'] = f'c{number}.jpg'
        (folder / f'c{number}.json').write_text(json.dumps(content))
    annotations = read_annotations(folder)
    names = [Path(image.path).stem for image in annotations.of_class('leaf', 3)]
    assert names == ['a', 'c2', 'c6']  # of a, b, c0, ..., c9
    assert len(annotations.of_class('leaf')) == 12 and len(annotations.of_class('leaf', 99)) == 12
    assert len(annotations.of_class('snow board', 3)) == 1
    assert annotations.check_names(['leaf', 'leaf']) == ('leaf',)
    with pytest.raises(
        ValueError, match=r"no class 'laef' \(did you mean 'leaf'\?\); it has leaf, "
    ):
        annotations.check_names(['laef'])


def test_image_path_of_labelme(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    (folder / 'photos').mkdir()
    (folder / 'a.jpg').rename(folder / 'photos/other.jpg')
    path = folder / 'a.json'
    content = json.loads(path.read_text())
    path.write_text(json.dumps(dict(content, imagePath='photos\\other.jpg')))
    images = read_annotations(folder).images
    assert [Path(image.path).name for image in images] == ['other.jpg', 'b.jpg']
    path.write_text(json.dumps(dict(content, imagePath='C:\\x\\gone.jpg')))
    with pytest.raises(FileNotFoundError, match='a.json: its image is missing.*img_dir'):
        read_annotations(folder)
    shutil.copy(folder / 'photos/other.jpg', folder / 'a.JPG')
    assert read_annotations(folder).images[0].path.endswith('a.JPG')


def test_crowds_of_coco_are_void(tmp_path) -> None:
    folder = annotation_files.coco(tmp_path / 'data')
    path = folder / 'annotations/instances_default.json'
    content = json.loads(path.read_text())
    crowd = dict(
        content['annotations'][0], id=9, iscrowd=1, segmentation=[[0, 0, 50, 0, 50, 8, 0, 8]]
    )
    content['annotations'].append(crowd)
    path.write_text(json.dumps(content))
    image = read_annotations(folder).images[0]
    label = image.label('leaf', SIZES['a'])
    mask = expected('a', 'leaf')
    mask[:8][mask[:8] == 0] = 255  # the object lies on top
    np.testing.assert_array_equal(label, mask)
    assert [thing.is_crowd for thing in image.objects(SIZES['a'])] == [True, False, False]


def test_images_of_coco_are_looked_for(tmp_path) -> None:
    folder = annotation_files.coco(tmp_path / 'data')
    (folder / 'images').rename(folder / 'default')
    assert len(read_annotations(folder).images) == 2
    (folder / 'default').rename(tmp_path / 'elsewhere')
    with pytest.raises(
        FileNotFoundError, match="not found, the first is 'a.jpg'; looked in .*img_dir"
    ):
        read_annotations(folder)
    assert len(read_annotations(folder, img_dir=tmp_path / 'elsewhere').images) == 2
    (tmp_path / 'elsewhere/b.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='1 of 2 images are missing: .*b.jpg'):
        read_annotations(folder, img_dir=tmp_path / 'elsewhere')


def _cvat_project(folder: Path, *subsets: str) -> Path:
    """A leaf in an image of one name in each subset, each subset in a folder of its own."""
    entries = ''
    for number, subset in enumerate(subsets):
        (folder / 'images' / subset).mkdir(parents=True)
        Image.new('RGB', (50, 40)).save(folder / 'images' / subset / '1.jpg')
        shape = annotation_files.cvat_shape('box', 'leaf', [number, 4, 20, 14])
        entries += f'<image id="{number}" name="1.jpg" subset="{subset}" width="50" height="40">'
        entries += f'{shape}</image>'
    (folder / 'annotations.xml').write_text(f'<annotations>{entries}</annotations>')
    return folder


def test_subsets_of_cvat_have_images_of_one_name(tmp_path) -> None:
    folder = _cvat_project(tmp_path, 'Train', 'Validation')
    paths = [tmp_path / f'images/{subset}/1.jpg' for subset in ('Train', 'Validation')]
    for img_dir in (None, folder / 'images'):
        assert [Path(i.path) for i in read_annotations(folder, img_dir=img_dir).images] == paths
    paths[1].unlink()
    with pytest.raises(FileNotFoundError, match='1 of 2 images are missing: .*Validation/1.jpg'):
        read_annotations(folder)


def test_a_subset_of_cvat_may_lie_flat(tmp_path) -> None:
    folder = _cvat_project(tmp_path, 'default')
    (folder / 'images/default/1.jpg').rename(folder / 'images/1.jpg')
    assert [Path(i.path) for i in read_annotations(folder).images] == [folder / 'images/1.jpg']


def test_key_points_of_yolo_are_no_outlines(tmp_path) -> None:
    folder = annotation_files.yolo(tmp_path / 'data')
    with open(folder / 'data.yaml', 'a') as file:
        file.write('kpt_shape: [2, 2]\n')
    with pytest.raises(ValueError, match=r'data.yaml has key points, kpt_shape: \[2, 2\]'):
        read_annotations(folder)


def test_a_speck_in_the_corner_of_a_yolo_image(tmp_path) -> None:
    folder = annotation_files.yolo(tmp_path / 'data')
    (folder / 'labels/train/a.txt').write_text('0 0.01 0.0125 0.02 0.025\n')  # one pixel
    image = read_annotations(folder).images[0]
    assert image.label('leaf', SIZES['a']).sum() == image.objects(SIZES['a'])[0].area == 1


@pytest.mark.parametrize('line', ['0,.5,.5,.2,.2', '0 nan .5 .2 .2', 'leaf .5 .5 .2 .2'])
def test_broken_lines_of_yolo_are_named(tmp_path, line) -> None:
    folder = annotation_files.yolo(tmp_path / 'data')
    (folder / 'data.yaml').unlink()
    (folder / 'classes.txt').write_text('leaf\nsnow board')
    (folder / 'labels/train/a.txt').write_text(line)
    with pytest.raises(ValueError, match='a.txt: line 1 (is no class|has nan)'):
        read_annotations(folder)


def _maps(folder: Path, **values: int) -> Path:
    """images/<name>.jpg and masks/<name>.png, all of it one value."""
    for part in ('images', 'masks'):
        (folder / part).mkdir(parents=True)
    for name, value in values.items():
        Image.new('RGB', (4, 3)).save(folder / f'images/{name}.jpg')
        Image.new('L', (4, 3), value).save(folder / f'masks/{name}.png')
    (folder / 'classes.txt').write_text('background\nleaf')
    return folder


def test_label_maps_whose_names_differ_in_capitals(tmp_path) -> None:
    images = read_annotations(_maps(tmp_path, A=0, a=1, B=1)).images
    assert [Path(image.source).stem for image in images] == ['A', 'B', 'a']
    (tmp_path / 'masks/B.png').rename(tmp_path / 'masks/b.PNG')
    assert Path(read_annotations(tmp_path).images[1].source).name == 'b.PNG'


def test_a_label_map_of_two_images_is_refused(tmp_path) -> None:
    Image.new('RGB', (4, 3)).save(_maps(tmp_path, a=1) / 'images/a.bmp')
    with pytest.raises(ValueError, match='a.png would be the label map of two images, a.bmp and a'):
        read_annotations(tmp_path)


@pytest.mark.parametrize(
    ('write', 'option'),
    [
        (annotation_files.yolo, dict(img_dir='photos')),
        (annotation_files.coco, dict(mask_threshold=128)),
        (annotation_files.labelme, dict(mask_suffix='_mask.png')),
        (annotation_files.label_maps, dict(mask_threshold=128)),
        (annotation_files.class_folders, dict(img_dir='photos')),
    ],
)
def test_options_that_would_do_nothing_are_told(tmp_path, write, option) -> None:
    (name,) = option
    with pytest.raises(ValueError, match=f'is read as .*, for which {name} would do nothing'):
        read_annotations(write(tmp_path / 'data'), **option)


def test_a_class_folder_whose_jsons_name_another_class(tmp_path) -> None:
    folder = annotation_files.class_folders(tmp_path / 'data', 'json')
    (folder / 'leaf').rename(folder / 'leaves')
    image = read_annotations(folder).images[0]
    for look in (image.objects, lambda size: image.label('leaves', size)):
        with pytest.raises(ValueError, match="a.json has no shape named 'leaves', but .'leaf'"):
            look(SIZES['a'])


def test_sizes_of_labelme_are_numbers(tmp_path) -> None:
    path = annotation_files.labelme(tmp_path / 'data') / 'a.json'
    path.write_text(path.read_text().replace('"imageHeight": 40', '"imageHeight": "40"'))
    with pytest.raises(
        ValueError, match="a.json: imageHeight and imageWidth are numbers, got .'40'"
    ):
        read_annotations(path)


def test_images_that_are_annotated_twice_are_told(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    shutil.copy(folder / 'a.json', folder / 'by_another.json')
    (note,) = read_annotations(folder).notes
    assert note.startswith('1 images are annotated more than once') and note.endswith('a.jpg')


def test_names_that_look_alike_are_told(tmp_path) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    for name, label in (('a', 'Café'), ('b', 'cafe\u0301 ')):
        path = folder / f'{name}.json'
        path.write_text(path.read_text().replace('"leaf"', json.dumps(label)))
    annotations = read_annotations(folder)
    assert len(annotations.class_names) == 3
    expected_note = r"'Caf\xe9' and 'cafe\u0301 ' look alike, but are 2 classes"
    assert annotations.notes == (expected_note,)


def test_splits_of_roboflow(tmp_path) -> None:
    for split in ('train', 'valid'):
        folder = annotation_files.coco(tmp_path / split)
        (folder / 'annotations/instances_default.json').rename(folder / '_annotations.coco.json')
        for path in (folder / 'images').iterdir():
            path.rename(folder / path.name)
    with pytest.raises(ValueError, match='2 files of annotations: train/_annotations.coco.json, v'):
        read_annotations(tmp_path)
    shutil.rmtree(tmp_path / 'valid')
    assert len(read_annotations(tmp_path).images) == 2


def test_layouts_of_yolo(tmp_path) -> None:
    folder = annotation_files.yolo(tmp_path / 'data')
    (folder / 'data.yaml').rename(folder / 'labels/data.yaml')
    with pytest.raises(FileNotFoundError, match='nothing that names the classes.*classes.txt'):
        read_annotations(folder)
    (folder / 'classes.txt').write_text('leaf\nsnow board\n')
    assert read_annotations(folder).class_names == CLASSES
    flat = tmp_path / 'flat'
    flat.mkdir()
    for image in SIZES:
        shutil.copy(folder / f'images/train/{image}.jpg', flat)
        shutil.copy(folder / f'labels/train/{image}.txt', flat)
    (flat / 'classes.txt').write_text('leaf\nsnow board\n')
    assert _seen(read_annotations(flat)).keys() == _seen(read_annotations(folder)).keys()
    (flat / 'data.yaml').write_text('train: ../train/images\nnames: [leaf, snow board]\n')
    (flat / 'train').mkdir()
    (flat / 'train/images').mkdir()
    (flat / 'a.jpg').rename(flat / 'train/images/a.jpg')  # as one well-known exporter has it
    (flat / 'train/labels').mkdir()
    (flat / 'a.txt').rename(flat / 'train/labels/a.txt')
    (image,) = read_annotations(flat).images
    assert image.path.endswith('train/images/a.jpg') and image.class_names == CLASSES


def test_shapes_of_cvat(tmp_path) -> None:
    folder = annotation_files.cvat(tmp_path / 'data')
    path = folder / 'annotations.xml'
    shapes = (
        '<ellipse label="disc" cx="25" cy="20" rx="9" ry="4" z_order="0"></ellipse>'
        '<box label="turned" xtl="10" ytl="15" xbr="40" ybr="25" rotation="90" z_order="0"></box>'
        '<box label="background" xtl="0" ytl="0" xbr="50" ybr="18" z_order="2"></box>'
        '<polygon label="late" points="0,0;50,0;50,40;0,40" z_order="5"></polygon>'
        '<polyline label="path" points="5,25;45,25"></polyline>'
        '<polyline label="background" points="5,32;45,32"></polyline>'
        '<points label="click" points="10,10;30,30"></points>'
        '<skeleton label="person"><points label="nose" points="1,1"></points></skeleton>'
        '<tag label="sunny" source="manual"></tag></image>'
    )
    path.write_text(path.read_text().replace('</image>', shapes, 1))
    image = read_annotations(folder).images[0]
    rows, columns = np.mgrid[:40, :50] + 0.5
    disc = (((columns - 25) / 9) ** 2 + ((rows - 20) / 4) ** 2 <= 1) & (rows > 18)
    drawn = image.label('disc', (40, 50))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_array_equal(drawn == 1, disc)  # the box of z-order 2 cuts it
    turned = np.zeros((40, 50), bool)
    turned[18:35, 20:30] = True  # 30 x 10 about (25, 20), a quarter turn
    np.testing.assert_array_equal(image.label('turned', (40, 50)) == 1, turned)
    np.testing.assert_array_equal(image.label('late', (40, 50)), 1)  # on top of the cut
    line = image.label('path', (40, 50))
    assert (line[25, 5:45] == 1).all() and (line[32, 5:45] == 0).all() and line[37, 0] == 255
    assert image.label('click', (40, 50))[30, 30] == 1
    with pytest.raises(
        ValueError, match=r"image a.jpg: a skeleton named 'person' is not understood"
    ):
        image.label('person', (40, 50))


def test_label_maps_beside_images(tmp_path) -> None:
    whole = annotation_files.label_maps(tmp_path / 'data')
    flat = tmp_path / 'flat'
    annotation_files.write_images(flat, '.png')
    for image in SIZES:
        shutil.copy(whole / f'masks/{image}.png', flat / f'{image}_mask.png')
    with pytest.raises(ValueError, match=r'nothing that says what.*classes.txt.*class_values=dict'):
        read_annotations(flat)
    annotations = read_annotations(flat, class_values=dict(board=2, ground=1))
    assert annotations.class_names == ('board', 'ground')
    np.testing.assert_array_equal(_seen(annotations)['a', 'board'], expected('a', 'snow board'))
    (flat / 'classes.txt').write_text('leaf\nsnow board\n')
    with pytest.raises(
        ValueError, match=r'a_mask.png has values that .*classes.txt does not name: 2;'
    ):
        _ = read_annotations(flat).images[0].class_names


def test_objects_of_voc(tmp_path) -> None:
    folder = annotation_files.label_maps(tmp_path / 'data', 'colours')
    (folder / 'SegmentationObject').mkdir()
    parts = np.zeros((*SIZES['b'], 3), np.uint8)
    parts[:, :30], parts[:, 30:] = (9, 0, 0), (0, 9, 0)  # cuts the leaf at x = 30
    Image.fromarray(parts).save(folder / 'SegmentationObject/b.png')
    image = read_annotations(folder).images[1]
    assert sorted(thing.area for thing in image.objects(SIZES['b'])) == [200, 264]


def _text(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def _change(write, file: str, old: str, new: str):
    def changed(folder: Path) -> Path:
        path = write(folder) / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return folder

    return changed


YOLO_TEXT, XML = 'labels/train/a.txt', 'annotations.xml'


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda f: f, 'data does not exist'),
        (lambda f: _text(f, 'a.txt', 'hello').parent, r'holds no annotations; there are .txt. Acc'),
        (lambda f: _text(f, 'a.zip', ''), 'a.zip is no annotation that is known. Unpack it'),
        (lambda f: _text(f, 'a.json', '{"a": 1}'), 'no json of COCO .* or LabelMe .*: it has a$'),
        (lambda f: _text(f, 'a.json', '[1]'), 'it has no object'),
        (lambda f: _text(f, 'a.json', '{'), 'a.json cannot be read as json'),
        (lambda f: _text(f, 'a.xml', '<annotation/>'), "export it as 'CVAT for images 1.1'"),
        (lambda f: _text(f, 'a.xml', '<annotations><image'), 'cannot be read as XML'),
        (lambda f: _text(f, 'a.xml', '<annotations><track/></annotations>'), 'export of a video'),
        (lambda f: _text(f, 'a.xml', '<annotations/>'), 'names no images'),
        (lambda f: _text(f, 'a.yaml', 'names: ['), 'cannot be read as yaml'),
        (lambda f: _text(f, 'a.yaml', 'nc: 3'), "no data.yaml of YOLO: it has no 'names'"),
        (lambda f: _text(f, 'a.yaml', 'names: [a, a]'), 'has a name twice'),
        (lambda f: _text(f, 'a.yaml', 'names: {1: a}'), 'numbered from 0'),
        (lambda f: _text(f, 'a.yaml', 'names: [a]'), 'no image has a text of labels'),
        (lambda f: _text(f, 'a.jpg', ''), 'a.jpg is an image: give a mask and a class name'),
        (_change(annotation_files.yolo, YOLO_TEXT, '0 ', '7 '), 'a.txt: line 1 has the class 7'),
        (
            _change(annotation_files.yolo, YOLO_TEXT, '0.1', '31'),
            'shares of the image, from 0 to 1',
        ),
        (
            _change(annotation_files.yolo, YOLO_TEXT, '\n', ' 0.9\n'),
            'has 9 numbers after the class',
        ),
        (_change(annotation_files.yolo, YOLO_TEXT, '0.', 'x'), 'is no class and numbers'),
        (_change(annotation_files.yolo, YOLO_TEXT, '0.10000000', 'nan'), 'has nan; coordinates'),
        (
            _change(annotation_files.cvat, XML, '5.00,4.00', '5,x'),
            "polygon named 'leaf': points are",
        ),
        (_change(annotation_files.cvat, XML, ' points', ' dots'), "a polygon has no 'points'"),
        (_change(annotation_files.cvat, XML, ' width="50"', ''), "a image has no 'width'"),
    ],
)
def test_what_is_odd_is_refused_with_the_cure(tmp_path, make, message) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_annotations(make(tmp_path / 'data'))


def test_several_files_are_not_chosen_from(tmp_path) -> None:
    folder = annotation_files.coco(tmp_path / 'data')
    path = folder / 'annotations/instances_default.json'
    shutil.copy(path, path.with_name('b.json'))
    with pytest.raises(
        ValueError, match='2 files of annotations: annotations/b.json, .*; name one'
    ):
        read_annotations(folder)
    shutil.copy(path, folder / 'a.json')
    labelme = annotation_files.labelme(tmp_path / 'other')
    shutil.copy(labelme / 'b.json', folder)
    with pytest.raises(ValueError, match='jsons of COCO, a.json, and of LabelMe, b.json'):
        read_annotations(folder)


def test_another_size_is_refused(tmp_path) -> None:
    for write in (annotation_files.labelme, annotation_files.coco, annotation_files.cvat):
        folder = tmp_path / write.__name__
        image = read_annotations(write(folder)).images[0]
        with pytest.raises(ValueError, match='was drawn on an image of 50x40 .* now has 25x20'):
            image.label('leaf', (20, 25))


def test_predictions_that_nobody_has_changed_are_no_annotations(tmp_path) -> None:
    labels, corrected = draw_labels(), tmp_path / 'b.json'
    for name in 'ab':
        Image.fromarray(labels).save(tmp_path / f'{name}.png')
        (tmp_path / f'{name}.json').write_text(labelme_text(image_result(labels), f'{name}.png'))
    with pytest.raises(ValueError, match=r'a\.json is a prediction that nobody has changed'):
        read_annotations(tmp_path)
    content = json.loads(corrected.read_text())
    content['shapes'] = content['shapes'][-1:]
    corrected.write_text(json.dumps(content))
    (image,) = read_annotations(tmp_path).images
    assert (Path(image.path).name, image.class_names) == ('b.png', ('disc',))


def test_names_without_a_class_are_the_same_for_reader_and_writer() -> None:
    from mmfewshot_seg.annotations.labelme import _SPECIAL
    from mmfewshot_seg.results.labelme_file import NO_CLASS

    assert set(_SPECIAL) == set(NO_CLASS)
