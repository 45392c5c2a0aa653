"""The tool: what it writes and says, and its mistakes in a line."""

import numpy as np
from helpers import annotation_files
from helpers.annotation_files import SIZES, expected
from helpers.tool_calls import call_tool

from mmfewshot_seg.annotations import read_annotations


def test_formats_are_turned_and_told(tmp_path, capfd) -> None:
    data = annotation_files.label_maps(tmp_path / 'maps', 'colours')
    arguments = data, tmp_path / 'coco', '--to', 'coco', '--val-share', '0.5'
    assert call_tool('convert_annotations', *arguments) == 0
    out = capfd.readouterr().out
    assert f'{data}: label maps, 2 images, 2 classes' in out
    assert 'train: 1 images; objects of a class: leaf 2, snow board 0' in out
    assert 'val: 1 images; objects of a class: leaf 1, snow board 1' in out
    (image,) = read_annotations(tmp_path / 'coco/annotations/instances_val.json').images
    np.testing.assert_array_equal(image.label('leaf', SIZES['a']), expected('a', 'leaf'))


def test_values_by_name_and_a_source_of_its_own_for_val(tmp_path, capfd) -> None:
    maps = annotation_files.label_maps(tmp_path / 'maps')
    (maps / 'classes.txt').unlink()
    boxes = annotation_files.yolo(tmp_path / 'boxes', 'box')
    values = '--class-values', 'leaf=1', 'snow board=2'
    arguments = maps, tmp_path / 'out', '--to', 'class-folder', '--class-names', 'leaf', *values
    assert call_tool('convert_annotations', *arguments) == 0
    assert read_annotations(tmp_path / 'out').class_names == ('leaf',)
    arguments = boxes, tmp_path / 'two', '--to', 'label-maps', '--val', boxes, '--link'
    assert call_tool('convert_annotations', *arguments) == 0
    assert '4 of 4 shapes are boxes, all of which counts as the class' in capfd.readouterr().out
    assert (tmp_path / 'two/img_dir/val/a.jpg').is_symlink()


def test_mistakes_are_told_in_a_line(tmp_path, capfd) -> None:
    data = annotation_files.labelme(tmp_path / 'data')
    for arguments, message in (
        ((data, data, '--to', 'coco'), 'is there and not empty'),
        ((tmp_path / 'no', tmp_path / 'out', '--to', 'coco'), 'does not exist'),
        ((data, tmp_path / 'out', '--to', 'coco', '--class-values', 'leaf'), 'NAME=VALUE'),
        ((data, tmp_path / 'out', '--to', 'class-folder', '--val-share', '0.2'), 'by classes'),
    ):
        assert call_tool('convert_annotations', *arguments) == 2
        error = capfd.readouterr().err
        assert message in error and error.count('\n') == 1, error
    assert not (tmp_path / 'out').exists()
