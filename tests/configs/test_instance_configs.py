"""Configs of MMDetection train and predict; the head joins other detectors by config alone."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from helpers.coco_folder import CLASSES, SIDE, draw_coco_folder
from helpers.small_configs import narrow, small_images
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import DATASETS, MODELS

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs').glob('refinemask/*.py'))
CONFIGS += sorted((ROOT / 'configs').glob('jpu/*_coco.py'))
MMDET = Path(importlib.util.find_spec('mmdet').origin).parent / '.mim/configs'
EXTRACTOR = dict(
    type='SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
    out_channels=256,
    featmap_strides=[4, 8, 16, 32],
)


def _small_model(model):
    narrow(model, 'mmdet', factor=8)
    model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=4)
    torch.manual_seed(0)
    return MODELS.build(model)


def _dataset(config, root: Path, split: str):
    """The data set of a config, reading the drawn folder in small size."""
    innermost = config
    while 'dataset' in innermost:
        innermost = innermost.dataset
    classes = CLASSES[:1] if 'objects_' in innermost.ann_file else CLASSES
    innermost.update(
        type='CocoDataset',
        data_root=str(root),
        ann_file=f'annotations/instances_{split}.json',
        data_prefix=dict(img=split),
        metainfo=dict(classes=classes),
    )
    small_images(innermost.pipeline, SIDE)
    return DATASETS.build(config)


def _train_and_predict(model, config, root: Path) -> dict:
    """Losses of two images; the boxes and masks of another are looked at."""
    dataset = _dataset(config.train_dataloader.dataset, root, 'train')
    data = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    losses = model.train()(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    dataset = _dataset(config.test_dataloader.dataset, root, 'val')
    data = model.data_preprocessor(pseudo_collate([dataset[0]]), training=False)
    with torch.no_grad():
        found = model.eval()(**data, mode='predict')[0].pred_instances
    assert found.bboxes.shape == (4, 4)
    if model.with_mask:
        assert found.masks.shape == (4, SIDE, SIDE) and found.masks.dtype == torch.bool
    return losses


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('coco') / 'data'
    draw_coco_folder(folder)
    return folder


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_train_and_predict_through_their_pipelines(path, folder, monkeypatch) -> None:
    for name in ('OWN_COCO', 'DRAWN_DATA'):
        monkeypatch.setenv(name, str(folder))
    config = Config.fromfile(path)
    losses = _train_and_predict(_small_model(config.model), config, folder)
    wanted = {'instance', 'semantic'}
    if path.stem.startswith('refinemask-simple'):
        wanted = {'instance'}
    elif path.stem.startswith('mask-rcnn'):
        wanted = {'mask'}
    elif path.stem.startswith('faster-rcnn'):
        wanted = set()
    prefix = 's2.' if path.stem.startswith('cascade') else ''
    for name in wanted:
        assert losses[f'{prefix}loss_{name}'] > 0
    assert len([key for key in losses if re.search('instance|semantic|mask', key)]) == len(wanted)


@pytest.mark.parametrize('twins', ['r18_fpn_1xb4-1k_drawn', 'lite0_fpn_1xb2-1500_own-coco'])
def test_twins_differ_in_the_mask_branch_alone(twins) -> None:
    plain, refined = (
        Config.fromfile(ROOT / f'configs/refinemask/{name}_{twins}.py')
        for name in ('mask-rcnn', 'refinemask')
    )
    for config in (plain, refined):
        del config.model.roi_head['type'], config.model.roi_head['mask_head']
    assert plain._cfg_dict.to_dict() == refined._cfg_dict.to_dict()


def test_classes_are_those_of_the_data(folder, monkeypatch) -> None:
    monkeypatch.setenv('OWN_COCO', str(folder))
    for path in (path for path in CONFIGS if path.stem.endswith('own-coco')):
        config = Config.fromfile(path)
        for loader in (config.train_dataloader, config.test_dataloader):
            assert loader.dataset.data_root == f'{folder}/'
            assert tuple(loader.dataset.metainfo.classes) == CLASSES
        assert config.model.roi_head.bbox_head.num_classes == len(CLASSES)
        if config.model.type == 'MaskRCNN':
            assert config.model.roi_head.mask_head.num_classes == len(CLASSES)
        dumped = Config.fromstring(config.pretty_text, '.py')
        assert dumped._cfg_dict.to_dict() == config._cfg_dict.to_dict()


@pytest.mark.parametrize(
    ('base', 'roi_head', 'message'),
    [
        ('models/mask-rcnn_r50-caffe-c4.py', dict(mask_roi_extractor=EXTRACTOR), 'C4 models'),
        ('models/mask-rcnn_r50_fpn.py', dict(mask_roi_extractor=None), 'no mask_roi_extractor'),
    ],
)
def test_detectors_without_what_it_takes_are_refused(base, roi_head, message) -> None:
    config = Config.fromfile(MMDET / '_base_' / base)
    mask_head = dict(type='mmfewshot_seg.RefineMaskHead')
    config.model.roi_head.update(
        type='mmfewshot_seg.RefineRoIHead', mask_head=mask_head, **roi_head
    )
    init_default_scope('mmdet')
    with pytest.raises(ValueError, match=message):
        MODELS.build(config.model)
