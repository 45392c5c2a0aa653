"""Every config of semantic segmentation can be tested at several sizes and mirrored."""

from pathlib import Path

import pytest
import torch
from helpers.label_folder import draw_label_folder
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmfewshot_seg.apis.run_config import set_tta
from mmfewshot_seg.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[2]
CONFIGS = [
    path
    for folder in ('danet', 'gscnn', 'jpu')
    for path in sorted((ROOT / 'configs' / folder).glob('*.py'))
    if not path.stem.endswith('_1x_coco')  # those are detectors
]
SMALL = [path for path in CONFIGS if '_r18' in path.stem and path.stem.endswith('_camvid')]
SIZE = (48, 64)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_configs_have_views_of_any_data_set(path) -> None:
    """Labels are read as the data set says, at the size of the file."""
    config = Config.fromfile(path)
    set_tta(config)
    steps = config.test_dataloader.dataset.pipeline
    assert [step.type for step in steps] == ['LoadImageFromFile', 'TestTimeAug']
    assert [len(views) for views in steps[1].transforms] == [6, 2, 1, 1]
    assert config.model.type == 'mmfewshot_seg.SemanticTTAModel'
    assert config.model.module.type in ('EncoderDecoder', 'mmfewshot_seg.GatedSCNN')


@pytest.mark.parametrize('path', SMALL, ids=lambda path: path.stem)
def test_views_are_merged(path, tmp_path, monkeypatch) -> None:
    draw_label_folder(tmp_path, classes=11, size=(48, 64))
    monkeypatch.setenv('CAMVID_DATA', str(tmp_path))
    config = Config.fromfile(path)
    set_tta(config)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(config.model).eval()
    dataset = DATASETS.build(config.test_dataloader.dataset)
    data = pseudo_collate([dataset[0]])
    assert len(data['inputs']) == 12
    with torch.no_grad():
        (found,) = model.test_step(data)
        views = [
            model.module.test_step(dict(inputs=images, data_samples=samples))[0]
            for images, samples in zip(data['inputs'], data['data_samples'], strict=True)
        ]
    probability = sum(view.seg_logits.data.softmax(0) for view in views)
    assert (found.pred_sem_seg.data == probability.argmax(0)).all()
    assert found.gt_sem_seg.shape == SIZE
    assert ('pred_edges' in found) == path.stem.startswith('gscnn')
