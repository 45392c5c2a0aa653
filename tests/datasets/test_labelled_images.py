"""A folder without the images that were looked for says which ones it has."""

from pathlib import Path

import pytest
from mmengine.registry import init_default_scope

from mmfewshot_seg.datasets import LabelledImages


def _open(folder, **kwargs) -> LabelledImages:
    init_default_scope('mmseg')
    prefix = dict(img_path='img', seg_map_path='ann')
    return LabelledImages(data_root=str(folder), data_prefix=prefix, **kwargs)


def test_suffixes_that_are_there_are_named(tmp_path) -> None:
    (tmp_path / 'img').mkdir()
    with pytest.raises(ValueError, match='img has no files that are images; .*are none'):
        _open(tmp_path)
    for name in ('a.JPG', 'b.JPG'):
        (tmp_path / 'img' / name).touch()
    with pytest.raises(ValueError, match="ending in img_suffix='.jpg'; files by suffix: 2 of .JPG"):
        _open(tmp_path, img_suffix='.jpg')
    dataset = _open(tmp_path, img_suffix='.JPG', seg_map_suffix='.tif')
    assert dataset[0]['seg_map_path'].endswith('ann/a.tif') and len(dataset) == 2


def test_images_of_any_format_are_found(tmp_path) -> None:
    (tmp_path / 'img/sub').mkdir(parents=True)
    for name in ('c.JPG', 'a.png', 'sub/b.jpeg', 'notes.txt', '._a.png'):
        (tmp_path / 'img' / name).touch()
    dataset = _open(tmp_path)
    pairs = [
        (Path(data['img_path']).name, Path(data['seg_map_path']).name)
        for data in map(dataset.get_data_info, range(len(dataset)))
    ]
    assert pairs == [('a.png', 'a.png'), ('c.JPG', 'c.png'), ('b.jpeg', 'b.png')]
    (tmp_path / 'list.txt').write_text('c\n')
    listed = _open(tmp_path, ann_file='list.txt')
    assert [Path(listed[0]['img_path']).name, len(listed)] == ['c.jpg', 1]
