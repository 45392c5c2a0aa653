"""Support sets as they are given: lists of every form, folders, mistakes."""

import numpy as np
import pytest
from helpers.class_folder import CLASSES, draw_class_folder
from PIL import Image

from mmfewshot_seg.apis.support_set import folder_supports, group_supports

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
    ],
)
def test_mistakes_are_told(images, masks, names, message) -> None:
    with pytest.raises(ValueError, match=message):
        group_supports(images, masks, names)


def test_folder(tmp_path) -> None:
    draw_class_folder(tmp_path, num_images=2)
    (tmp_path / 'ring' / '1.jpg').unlink()
    with pytest.raises(ValueError, match='mask without image'):
        folder_supports(tmp_path)
    (tmp_path / 'ring' / '1.png').unlink()
    supports = folder_supports(tmp_path)
    assert tuple(supports) == CLASSES
    assert [len(shots) for shots in supports.values()] == [2, 1, 2]
    ring = str(tmp_path / 'ring' / '0')
    assert supports['ring'] == [(f'{ring}.jpg', f'{ring}.png')]
    with pytest.raises(FileNotFoundError, match='is no folder'):
        folder_supports(tmp_path / 'none')
