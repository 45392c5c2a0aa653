"""Configs of zero-shot segmentation read what the tools write, train, predict and are evaluated."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.flat_config import flat
from helpers.small_configs import narrow, small_images
from helpers.zeroshot_data import OWN, SIDE, write_coco, write_drawn, write_own
from mmdet.models.task_modules.prior_generators import anchor_inside_flags
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import DATASETS, MODELS, TASK_UTILS

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs/zsi').glob('*.py'))
TWINS = [path for path in CONFIGS if path.stem.endswith(('-gzsi', '-gzsd'))]


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('zsi')
    write_coco(folder / 'data/coco')
    write_own(folder / 'mine')
    write_drawn(folder / 'drawn')
    return folder


@pytest.fixture
def load(folder, monkeypatch):
    """Loads a config that finds its data."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv('OWN_COCO', str(folder / 'mine'))
    monkeypatch.setenv('DRAWN_DATA', str(folder / 'drawn'))
    init_default_scope('mmdet')
    return Config.fromfile


def _small_model(model):
    narrow(model, 'mmdet')
    model.test_cfg.rcnn.update(score_thr=-100.0, max_per_img=4)
    torch.manual_seed(0)
    model = MODELS.build(model)
    model.init_weights()
    return model


def _dataset(config):
    small_images(config.pipeline, SIDE)
    return DATASETS.build(config)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_train_predict_and_are_evaluated(path, load) -> None:
    config = load(path)
    has_masks = path.stem.startswith('zsi')
    model = _small_model(config.model)
    train, test = (_dataset(config[f'{name}_dataloader'].dataset) for name in ('train', 'test'))

    assert len(train) == 2  # without the image of unseen classes
    assert train.metainfo['classes'] == model.split.seen
    data = model.data_preprocessor(pseudo_collate([train[0], train[1]]), training=True)
    losses = model.train()(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    assert ('loss_mask' in losses) == has_masks

    evaluator = Evaluator([config.test_evaluator])
    evaluator.dataset_meta = test.metainfo
    for i in range(len(test)):
        data = model.data_preprocessor(pseudo_collate([test[i]]), training=False)
        with torch.no_grad():
            samples = model.eval()(**data, mode='predict')
        assert len(samples[0].pred_instances) >= 4
        evaluator.process(samples)
    figures = evaluator.evaluate(len(test))
    kinds = ('bbox', 'segm') if has_masks else ('bbox',)
    generalized = 'hm_' if path in TWINS else ''
    assert {key.split('_')[0] for key in figures} == {f'zsi/{kind}' for kind in kinds}
    assert all(0 <= figures[f'zsi/{kind}_{generalized}mAP'] <= 1 for kind in kinds)
    assert ('zsi/bbox_hm_mAP' in figures) == bool(generalized)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_model_data_and_metric_are_of_one_task(path, load) -> None:
    config = load(path)
    mode = 'generalized' if path in TWINS else 'unseen'
    assert config.model.test_cfg.rcnn.mode == mode
    assert config.train_dataloader.dataset.mode == 'seen'
    assert config.tta_pipeline is None
    for name in ('val', 'test') if 'val_dataloader' in config else ('test',):
        dataset = config[f'{name}_dataloader'].dataset
        assert dataset.mode == mode and dataset.split == config.model.classes.split
        assert config[f'{name}_evaluator'].ann_file == dataset.data_root + dataset.ann_file
    if isinstance(config.model.classes.split, str):
        name = config.model.classes.split[5:]
        assert name.replace('_', '-') in path.stem
        assert name in dataset.ann_file and name in config.model.classes.word_vectors
        assert config.model.classes.vocabulary == 'data/coco/vocabulary_w2v.txt'
        assert config.optim_wrapper.optimizer.lr == {'48_17': 0.01, '65_15': 0.0075}[name]
        assert config.param_scheduler[0].end == {'48_17': 500, '65_15': 7000}[name]


@pytest.mark.parametrize('path', TWINS, ids=lambda path: path.stem)
def test_generalised_twins_differ_in_the_test_alone(path, load) -> None:
    base = path.with_name(f'{path.stem[:-5]}.py')
    ours, theirs = (flat(load(file)._cfg_dict.to_dict()) for file in (path, base))
    different = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    allowed = ('.mode', '.ann_file', '.sync_background')
    assert {key for key in different if not key.endswith(allowed)} == set()
    assert not {key for key in different if key.startswith('.train')}


def test_anchors_are_trained_on_as_published(load) -> None:
    """Those of the official program that reach beyond the image have weight 0."""
    config = load(ROOT / 'configs/zsi/zsi_r101_fpn_1x_coco-48-17.py').model
    official = np.load(ROOT / 'tests/parity/data/zsi/rpn_48_17.npz')
    height, width, border = 96, 160, config.train_cfg.rpn.allowed_border
    anchors = TASK_UTILS.build(config.rpn_head.anchor_generator).grid_priors(
        [official[f'in.feat{level}'].shape[2:] for level in range(5)], device='cpu'
    )
    for level, boxes in enumerate(anchors):
        valid = torch.ones(len(boxes), dtype=torch.bool)
        inside = anchor_inside_flags(boxes, valid, (height, width), border)
        fits = (boxes >= 0).all(1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
        assert torch.equal(inside, fits)
        weights = torch.tensor(official[f'in.label_weights{level}'])
        assert not weights[:, ~inside].any() and bool(weights.any()) == bool(inside.any())


def test_seen_classes_are_tested_by_two_options(load) -> None:
    """What docs/zero_shot.md says."""
    config = load(ROOT / 'configs/zsi/zsi_r50_fpn_1x_own-coco-gzsi.py')
    config.merge_from_dict(
        {'model.test_cfg.rcnn.mode': 'seen', 'test_dataloader.dataset.mode': 'seen'}
    )
    assert _dataset(config.test_dataloader.dataset).metainfo['classes'] == tuple(OWN['seen'])
    assert _small_model(config.model).class_names == tuple(OWN['seen'])
