"""A config that MMSegmentation ships, with our head in it."""

from pathlib import Path

import cv2
import mmseg
import numpy as np
import pytest
import torch
from helpers.class_folder import CLASSES, draw_class_folder
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import DATASETS, MODELS

THEIRS = Path(mmseg.__file__).parent / '.mim/configs/fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py'
CONFIG = """
_base_ = {theirs!r}
model = dict(
    type='mmfewshot_seg.FewShotSegmentor',
    decode_head=dict(_delete_=True, type='mmfewshot_seg.PANetHead'),
    auxiliary_head=None)
train_dataloader = dict(dataset=dict(
    _delete_=True,
    type='mmfewshot_seg.FewShotDataset',
    source=dict(
        type='mmfewshot_seg.SegDatasetSource',
        index_dir=None,
        dataset=dict(
            type='PascalVOCDataset',
            data_root={root!r},
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
            ann_file='list.txt')),
    base_classes=['aeroplane', 'bicycle'],
    fold=['bird'],
    pipeline=[
        dict(type='LoadImageFromFile'),
        dict(type='mmfewshot_seg.LoadEpisodeMask'),
        dict(type='RandomFlip', prob=0.5)]))
"""


def _draw_voc(root: Path) -> None:
    """Classes 1, 2, 3 (aeroplane, bicycle, bird) in the layout of VOC."""
    draw_class_folder(root / 'classes')
    for name in ('JPEGImages', 'SegmentationClass'):
        (root / name).mkdir()
    names = []
    for label, folder in enumerate(CLASSES, start=1):
        for image in sorted((root / 'classes' / folder).glob('*.jpg')):
            name = f'{folder}_{image.stem}'
            image.rename(root / 'JPEGImages' / f'{name}.jpg')
            mask = cv2.imread(str(image.with_suffix('.png')), cv2.IMREAD_GRAYSCALE)
            label_map = (label * (mask > 0)).astype(np.uint8)
            cv2.imwrite(str(root / 'SegmentationClass' / f'{name}.png'), label_map)
            names.append(name)
    (root / 'list.txt').write_text('\n'.join(names))


def test_three_lines_make_it_few_shot(tmp_path) -> None:
    if not THEIRS.exists():
        pytest.skip(f'this installation of mmseg carries no {THEIRS.name}')
    _draw_voc(tmp_path)
    (tmp_path / 'ours.py').write_text(CONFIG.format(theirs=str(THEIRS), root=str(tmp_path)))
    config = Config.fromfile(tmp_path / 'ours.py')
    init_default_scope(config.default_scope)
    config.model.backbone.update(base_channels=8, stem_channels=8)
    model = MODELS.build(config.model)
    dataset = DATASETS.build(config.train_dataloader.dataset)
    assert dataset.metainfo['novel_classes'] == ('bird',)
    data = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    assert data['inputs']['query'].shape == (2, 1, 3, 512, 512)
    losses = model(**data, mode='loss')
    assert set(losses) == {'loss_ce', 'loss_align'}
    assert all(torch.isfinite(loss) for loss in losses.values())
