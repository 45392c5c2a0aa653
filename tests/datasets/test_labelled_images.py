"""A folder without the images that were looked for says which ones it has."""

import pytest
from mmengine.registry import init_default_scope

from mmfewshot_seg.datasets import LabelledImages


def _open(folder, **kwargs) -> LabelledImages:
    init_default_scope('mmseg')
    prefix = dict(img_path='img', seg_map_path='ann')
    return LabelledImages(data_root=str(folder), data_prefix=prefix, **kwargs)


def test_suffixes_that_are_there_are_named(tmp_path) -> None:
    (tmp_path / 'img').mkdir()
    with pytest.raises(ValueError, match="img has no files ending in img_suffix='.jpg'.*are none"):
        _open(tmp_path)
    for name in ('a.JPG', 'b.JPG'):
        (tmp_path / 'img' / name).touch()
    with pytest.raises(ValueError, match="files by suffix: 2 of .JPG. .* set img_suffix='.JPG'"):
        _open(tmp_path)
    dataset = _open(tmp_path, img_suffix='.JPG', seg_map_suffix='.tif')
    assert dataset[0]['seg_map_path'].endswith('ann/a.tif') and len(dataset) == 2
