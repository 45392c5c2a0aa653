"""What of a folder a person has marked, and what is left to do."""

import json

import cv2
import numpy as np
import pytest
from helpers.image_results import draw_labels, image_result

from mmfewshot_seg.apis.annotation_folder import read_annotation_folder
from mmfewshot_seg.results.labelme_file import labelme_text


def shape(label: str) -> dict:
    return dict(label=label, points=[[1, 1], [9, 1], [9, 9]], shape_type='polygon')


@pytest.fixture
def folder(tmp_path):
    for name in 'abcdef':
        cv2.imwrite(str(tmp_path / f'{name}.jpg'), np.zeros((60, 80, 3), np.uint8))
    write = lambda name, content: (tmp_path / name).write_text(json.dumps(content))  # noqa: E731
    write('a.json', dict(shapes=[shape('zebra'), shape('_background_'), shape('zebra')]))
    write('b.json', dict(shapes=[shape('horse'), shape('zebra')]))
    write('c.json', dict(shapes=[], flags={}))
    predicted = json.loads(labelme_text(image_result(draw_labels()), 'd.jpg'))
    write('d.json', predicted)
    write('e.json', {**predicted, 'flags': dict(predicted=False)})
    (tmp_path / 'notes.txt').touch()
    (tmp_path / '.f.jpg').touch()
    return tmp_path


def test_marked_by_a_person_predicted_and_neither(folder) -> None:
    found = read_annotation_folder(str(folder))
    assert [(image.name, mask.name, name) for image, mask, name in found.marked] == [
        ('e.jpg', 'e.json', 'disc'),
        ('b.jpg', 'b.json', 'horse'),
        ('e.jpg', 'e.json', 'ring'),
        ('a.jpg', 'a.json', 'zebra'),
        ('b.jpg', 'b.json', 'zebra'),
    ]
    assert [path.name for path in found.negatives] == ['c.jpg']
    assert [path.name for path in found.others] == ['d.jpg', 'f.jpg']


def test_mistakes_are_told(folder) -> None:
    with pytest.raises(FileNotFoundError, match='nowhere is no folder'):
        read_annotation_folder('nowhere')
    (folder / 'empty').mkdir()
    with pytest.raises(ValueError, match='empty holds no images; expected .jpg'):
        read_annotation_folder(folder / 'empty')
    (folder / 'f.png').touch()
    with pytest.raises(ValueError, match=r'f.jpg and f.png would share f.json: give one'):
        read_annotation_folder(folder)
    (folder / 'f.png').unlink()
    (folder / 'f.json').write_text('{}')
    with pytest.raises(ValueError, match='f.json is no file of LabelMe'):
        read_annotation_folder(folder)
