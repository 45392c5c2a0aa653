"""Every shipped config loads, differs from its siblings as its name says, and runs."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from helpers.class_folder import draw_class_folder
from helpers.flat_config import flat
from helpers.small_configs import small_images
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[2]
DETECTION = r'refinemask|-rcnn|zs[id]_'  # in the names of MMDetection's configs
CONFIGS = sorted((ROOT / 'configs').glob('[!_]*/*.py'))
NETWORKS = (
    'panet_vgg16_',
    'panet_r50-d8_',
    'panet_r101-d8_',
    'panet_r18-d8_',
    'panet_lite0-d8_',
    'dense-matching_lite0-d8_class-folder',
    'asgnet_lite0-d8_',
    'asgnet_r50-d8_1xb4-300k_pascal5i-fold0-5shot',
    'asgnet_r50-d8_1xb8-513k_coco20i',
    'asgnet_r50-d8-aspp_',
    'asgnet_r101-d8_',
    'asgnet_r18-d8_',
)
FOLD_LEAVES = [path for path in CONFIGS if re.search(r'fold[123]', path.stem)]
PUBLISHED_ASGNET = sorted((ROOT / 'configs/asgnet').glob('*fold0*.py'))


def _drawn_dataset(dataset, root: Path) -> dict:
    """The config of a data set, reading the drawn class folder."""
    if not root.exists():
        draw_class_folder(root, num_images=6)
    return {
        **dataset.to_dict(),
        'source': dict(type='mmfewshot_seg.FolderSource', data_root=str(root), index_dir=None),
        'fold': None,
        'base_classes': None,
        'num_episodes': 2,
        'num_runs': 1,
        'protocol': {'name': 'panet', **dataset.get('protocol', {}), 'min_area': 0},
    }


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_name_says_what_the_config_does(path) -> None:
    config = Config.fromfile(path)
    assert config.default_scope == ('mmdet' if re.search(DETECTION, path.stem) else 'mmseg')
    if match := re.search(r'fold(\d)-(2way-)?(\d)shot', path.stem):
        for loader in ('train', 'val', 'test'):
            dataset = config[f'{loader}_dataloader'].dataset
            assert dataset.fold == int(match[1])
            assert dataset.get('num_ways', 1) == (2 if match[2] else 1)
            assert dataset.get('num_shots', 1) == int(match[3])
            assert dataset.get('test_mode', False) == (loader != 'train')
    if path.parent.name == 'dense_matching':  # nothing is trained
        return
    if match := re.search(r'_(\d)x_', path.stem):  # times 12 passes
        assert config.train_cfg.max_epochs == 12 * int(match[1])
        assert config.param_scheduler[-1].end == config.train_cfg.max_epochs
        images = 8 if path.parent.name == 'zsi' else 16  # a step
        assert config.auto_scale_lr.base_batch_size == images
        return
    devices, batch, length = re.search(r'_(\d)xb(\d)-(\d+[ke]?)_', path.stem).groups()
    assert config.train_dataloader.batch_size == int(batch)
    if length.endswith('e'):
        passes = config.train_cfg.max_epochs * config.train_dataloader.dataset.get('times', 1)
        assert passes == int(length[:-1])
        assert config.param_scheduler[-1].end == config.train_cfg.max_epochs
        assert config.auto_scale_lr.base_batch_size == int(devices) * int(batch)
    else:
        assert int(devices) == 1
        assert config.train_cfg.max_iters == int(length.replace('k', '000'))


@pytest.mark.parametrize('path', FOLD_LEAVES, ids=lambda path: path.stem)
def test_fold_leaves_differ_in_the_fold_alone(path) -> None:
    first = path.with_name(re.sub(r'fold\d', 'fold0', path.name))
    ours, theirs = (flat(Config.fromfile(file)._cfg_dict.to_dict()) for file in (path, first))
    different = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    assert different == {
        f'.{loader}_dataloader.dataset.fold' for loader in ('train', 'val', 'test')
    }
    assert len(path.read_text().splitlines()) <= 10


def test_model_index_names_every_config() -> None:
    imports = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    models = [
        model for file in imports for model in yaml.safe_load((ROOT / file).read_text())['Models']
    ]
    for model in models:
        assert (ROOT / model['Config']).stem == model['Name']
    assert sorted(str(ROOT / model['Config']) for model in models) == list(map(str, CONFIGS))


@pytest.mark.parametrize('network', NETWORKS)
def test_networks_train_and_predict_through_their_pipelines(network, tmp_path) -> None:
    path = next(path for path in CONFIGS if path.name.startswith(network))
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    model = MODELS.build(config.model)
    for mode, loader in (('loss', config.train_dataloader), ('predict', config.test_dataloader)):
        dataset = _drawn_dataset(loader.dataset, tmp_path / 'classes')
        small_images(dataset)  # the same transforms on smaller images
        batch = pseudo_collate([DATASETS.build(dataset)[0]])
        data = model.data_preprocessor(batch, training=mode == 'loss')
        output = model(**data, mode=mode)
        if mode == 'loss':
            assert all(torch.isfinite(value) for value in output.values())
        else:
            episode = output[0]
            assert episode.pred_masks.shape == episode.query_masks.shape
            assert set(episode.pred_masks.unique().tolist()) <= {0, 1}


@pytest.mark.parametrize('path', PUBLISHED_ASGNET, ids=lambda path: path.stem)
def test_asgnet_sees_sides_of_8k_plus_1_and_its_seeds(path, tmp_path) -> None:
    config = Config.fromfile(path)
    init_default_scope(config.default_scope)
    for loader in ('train', 'val', 'test'):
        dataset = config[f'{loader}_dataloader'].dataset
        inputs = DATASETS.build(_drawn_dataset(dataset, tmp_path / 'classes'))[0]['inputs']
        for name in ('support', 'query'):
            height, width = inputs[name].shape[-2:]
            assert height == width and height % 8 == 1
        num_shots = dataset.get('num_shots', 1)
        assert inputs['support_seeds'].shape == (1, num_shots, 5, 2)
        assert (inputs['support_seeds'][..., 0, 0] >= 0).any()
