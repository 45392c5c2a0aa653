"""Configs of Gated-SCNN train, predict and evaluate through their pipelines; twins are twins."""

from pathlib import Path

import pytest
import torch
from helpers.label_folder import draw_label_folder
from helpers.small_configs import narrow, small_images
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator

from mmfewshot_seg.datasets.drawn import draw_dataset
from mmfewshot_seg.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / 'configs/gscnn').glob('*.py'))


@pytest.fixture(scope='module')
def folders(tmp_path_factory) -> Path:
    """The drawn data set, and images and labels in the layout of CamVid."""
    root = tmp_path_factory.mktemp('data')
    draw_dataset(root / 'drawn', num_train=4, num_test=2, size=64, train_classes='all')
    draw_label_folder(root / 'camvid', classes=11, size=(48, 64))
    return root


def _model(config):
    torch.manual_seed(0)
    return MODELS.build(narrow(config.model, 'mmseg', factor=8))


def _dataset(config, folders: Path):
    """The data set of a config; that of Cityscapes reads the folder of the other."""
    if config.type == 'CityscapesDataset':
        split = config.data_prefix.img_path.split('/')[-1]
        config.update(
            data_root=str(folders / 'camvid'),
            data_prefix=dict(img_path=f'img_dir/{split}', seg_map_path=f'ann_dir/{split}'),
            img_suffix='.jpg',
            seg_map_suffix='.png',
        )
    small_images(config.pipeline, side=48)
    return DATASETS.build(config)


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def config(request, folders, monkeypatch) -> Config:
    monkeypatch.setenv('DRAWN_DATA', str(folders / 'drawn'))
    monkeypatch.setenv('CAMVID_DATA', str(folders / 'camvid'))
    return Config.fromfile(request.param)


def test_configs_train_predict_and_evaluate(config, folders) -> None:
    model = _model(config)
    dataset = _dataset(config.train_dataloader.dataset, folders)
    data = model.data_preprocessor(pseudo_collate([dataset[0], dataset[1]]), training=True)
    losses = model.train()(**data, mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    names = {'loss_ce', 'loss_dual', 'loss_edge', 'loss_att', 'acc_seg'}
    if config.model.type == 'EncoderDecoder':
        names = {'loss_ce', 'acc_seg'}
    assert {key.removeprefix('decode.') for key in losses} == names and total.isfinite()

    dataset = _dataset(config.test_dataloader.dataset, folders)
    data = model.data_preprocessor(pseudo_collate([dataset[0]]), training=False)
    with torch.no_grad():
        found = model.eval()(**data, mode='predict')
    assert found[0].pred_sem_seg.shape == found[0].gt_sem_seg.shape
    evaluator = Evaluator(config.test_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    evaluator.process(found)
    figures = evaluator.evaluate(1)
    assert 'mIoU' in figures and any(name.startswith('boundary_F@') for name in figures)
    assert model.decode_head.num_classes == len(dataset.metainfo['classes'])


def _camvid(stem: str) -> tuple[dict, dict]:
    """Model of a config for CamVid, and all else."""
    config = Config.fromfile(ROOT / f'configs/{stem}_1xb4-1k_camvid.py').to_dict()
    return config.pop('model'), config


def _differing(first: dict, second: dict) -> set[str]:
    return {key for key in set(first) | set(second) if first.get(key) != second.get(key)}


@pytest.mark.parametrize(
    ('plain', 'twin', 'parts'),
    [
        ('r18-d8', 'gscnn/gscnn_r18-d8', {'type', 'decode_head'}),
        ('r18-d8', 'danet/danet_r18-d8', {'decode_head'}),
        ('r18-d8', 'jpu/fcn_r18_jpu', {'backbone', 'neck'}),
        ('lite0-d16', 'gscnn/gscnn_lite0-d16', {'type', 'decode_head'}),
        ('lite0-d16', 'gscnn/gscnn_lite0_jpu', {'type', 'backbone', 'neck', 'decode_head'}),
        ('lite0-d16', 'danet/danet_lite0-d16', {'decode_head'}),
        ('lite0-d16', 'jpu/fcn_lite0_jpu', {'backbone', 'neck', 'decode_head'}),
    ],
)
def test_twins_differ_in_few_parts_of_the_model(plain, twin, parts) -> None:
    """Data, budget, optimizer and all else are those of the plain network."""
    models, others = zip(*(_camvid(stem) for stem in (f'gscnn/fcn_{plain}', twin)), strict=True)
    assert others[0] == others[1]
    assert _differing(*models) == parts


def test_pretrained_network_has_data_and_budget_of_that_from_scratch() -> None:
    stems = ('gscnn/fcn_r18-d8', 'gscnn/fcn_lite0-d16')
    models, others = zip(*(_camvid(stem) for stem in stems), strict=True)
    assert _differing(*others) == {'optim_wrapper'}
    assert _differing(*models) == {'data_preprocessor', 'backbone', 'decode_head'}


def test_published_config_is_what_the_converter_fills() -> None:
    from mmfewshot_seg.converters.gscnn import segmentor_config

    (path,) = (path for path in CONFIGS if 'wrn38' in path.stem)
    shipped = Config.fromfile(path).model
    converted = segmentor_config({'final_seg.6.weight': torch.empty(19)})
    assert shipped.gradient == converted.gradient == 'official'
    for key in ('mean', 'std', 'bgr_to_rgb', 'size_divisor'):
        assert shipped.data_preprocessor[key] == converted.data_preprocessor[key]
    for key, value in converted.decode_head.items():
        assert shipped.decode_head[key] == value
