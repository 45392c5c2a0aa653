"""Support sets as they are given: lists of every form, folders, mistakes."""

import numpy as np
import pytest
from helpers import annotation_files
from helpers.annotation_files import expected
from helpers.class_folder import CLASSES, draw_class_folder
from PIL import Image

from mmfewshot_seg.annotations import annotation_label
from mmfewshot_seg.apis.support_fitting import list_supports
from mmfewshot_seg.apis.support_set import group_supports, read_supports

EXPECTED = dict(cat=[('a', 'A'), ('c', 'C')], dog=[('b', 'B')])


def test_a_name_per_image_or_lists_per_class() -> None:
    assert group_supports(['a', 'b', 'c'], ['A', 'B', 'C'], ['cat', 'dog', 'cat']) == EXPECTED
    nested = group_supports([['a', 'c'], ['b']], [['A', 'C'], ['B']], ['cat', 'dog'])
    assert nested == EXPECTED and list(nested) == ['cat', 'dog']
    assert group_supports(['a', 'c'], ['A', 'C'], 'cat') == dict(cat=EXPECTED['cat'])
    pil = Image.new('RGB', (2, 2))
    assert group_supports(pil, pil, 'cat') == dict(cat=[(pil, pil)])
    box, image = dict(boxes=[(0, 0, 1, 1)]), np.zeros((2, 2, 3), np.uint8)
    assert group_supports(image, box, 'cat') == dict(cat=[(image, box)])


@pytest.mark.parametrize(
    ('images', 'masks', 'names', 'message'),
    [
        (['a', 'b'], ['A'], ['cat', 'dog'], '2 images, 1 masks and 2 class names'),
        ([['a', 'b']], [['A']], ['cat'], "'cat' has 2 images and 1 masks"),
        ([[]], [[]], ['cat'], "'cat' has 0 images"),
        ([], [], [], '1 to 254 classes, not 0'),
        (['a', 'b'], ['A', 'B'], {'cat', 'dog'}, 'in the order of the images: a list, not a set'),
        (['a', 'b'], ['A', 'B'], ['cat', None], 'texts that are not empty, got None'),
        (['a', 'b'], ['A', 'B'], ['cat', ' '], "texts that are not empty, got ' '"),
        (['a', 'b'], ['A', 'B'], [0, 1], 'texts that are not empty, got 0'),
    ],
)
def test_mistakes_are_told(images, masks, names, message) -> None:
    with pytest.raises(ValueError, match=message):
        group_supports(images, masks, names)


def test_folder(tmp_path) -> None:
    draw_class_folder(tmp_path, num_images=2)
    (tmp_path / 'ring' / '1.jpg').unlink()
    with pytest.raises(ValueError, match='mask without image'):
        read_supports(tmp_path)
    (tmp_path / 'ring' / '1.png').unlink()
    supports = read_supports(tmp_path)
    assert tuple(supports) == CLASSES
    assert [len(shots) for shots in supports.values()] == [2, 1, 2]
    ring = str(tmp_path / 'ring' / '0')
    ((path, image),) = supports['ring']
    assert (path, image.source) == (f'{ring}.jpg', f'{ring}.png')
    with pytest.raises(FileNotFoundError, match='none does not exist'):
        read_supports(tmp_path / 'none')


def test_annotations_of_any_format(tmp_path) -> None:
    folder = annotation_files.coco(tmp_path / 'coco')
    supports = read_supports(folder)
    assert list(supports) == ['leaf', 'snow board'] and len(supports['leaf']) == 2
    assert list(read_supports(folder, ['snow board', 'leaf'])) == ['snow board', 'leaf']
    supports = read_supports(folder, 'leaf', max_shots=1)
    ((path, image),) = supports['leaf']
    np.testing.assert_array_equal(annotation_label(image, (40, 50), 'leaf'), expected('a', 'leaf'))
    with pytest.raises(ValueError, match="no class 'cat'; it has leaf, snow board"):
        read_supports(folder, ['cat'])
    with pytest.raises(ValueError, match='max_shots is a whole number from 1, got 0'):
        read_supports(folder, max_shots=0)
    path = folder / 'annotations/instances_default.json'
    path.write_text(path.read_text().replace('"category_id": 4', '"category_id": 3'))
    with pytest.raises(ValueError, match="shows no 'snow board' in any image"):
        read_supports(folder, ['snow board'])


def test_what_is_given_together() -> None:
    with pytest.raises(ValueError, match='or a file or folder of annotations'):
        list_supports(['a.jpg'], None, 'cat')
    with pytest.raises(ValueError, match='max_shots are for a file or folder'):
        list_supports(['a.jpg'], ['a.png'], 'cat', max_shots=3)
    with pytest.raises(FileNotFoundError, match='nowhere.json does not exist'):
        list_supports('nowhere.json', class_names='cat')
