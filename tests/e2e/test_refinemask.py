"""RefineMask from end to end through the tools: trained, resumed, tested, drawn."""

import json
from pathlib import Path

import pytest
import torch
from helpers.tool_calls import needs_ops, start_tool

from mmfewshot_seg.datasets.drawn import draw_dataset

ROOT = Path(__file__).parents[2]
CONFIG = f"""
_base_ = '{ROOT}/configs/refinemask/refinemask_r18_fpn_1xb4-1k_drawn.py'
model = dict(
    backbone=dict(base_channels=4),
    neck=dict(in_channels=[4, 8, 16, 32]),
    test_cfg=dict(rcnn=dict(score_thr=0.0, max_per_img=5)),
)
train_dataloader = dict(batch_size=1)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1))
"""


def _run(folder: Path, tool: str, *arguments: str) -> None:
    start_tool(folder, tool, 'config.py', *arguments, DRAWN_DATA=str(folder / 'data'))


def _steps(work_dir: Path) -> list[int]:
    """Steps that were logged, in order."""
    lines = (
        json.loads(line)
        for log in sorted(work_dir.glob('*/vis_data/scalars.json'))
        for line in log.read_text().splitlines()
    )
    return [line['step'] for line in lines if 'loss_instance' in line]


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Data, a config, and a model of two steps, the second after a resume."""
    folder = tmp_path_factory.mktemp('refinemask')
    draw_dataset(folder / 'data', num_train=4, num_test=3, size=64, train_classes='all')
    (folder / 'config.py').write_text(CONFIG)
    for steps, resume in ((1, []), (2, ['--resume'])):
        options = ['--cfg-options', f'train_cfg.max_iters={steps}']
        _run(folder, 'train.py', '--work-dir', 'run', *resume, *options)
    return folder


@pytest.mark.slow
@needs_ops
class TestRefineMask:
    def test_training_is_resumed(self, folder) -> None:
        assert _steps(folder / 'run') == [1, 2]
        first, second = (
            torch.load(folder / f'run/iter_{n}.pth', weights_only=False)['state_dict']
            for n in (1, 2)
        )
        name = 'roi_head.mask_head.final_instance_logits.weight'
        assert not torch.equal(first[name], second[name])

    def test_every_metric_is_logged(self, folder) -> None:
        arguments = ('run/iter_2.pth', '--work-dir', 'test', '--show-dir', 'pictures')
        options = (
            'visualizer.type=mmfewshot_seg.RefineMaskVisualizer',
            'model.test_cfg.rcnn.stage_maps=2',
            'default_hooks.visualization.score_thr=0.0',
        )
        _run(folder, 'test.py', *arguments, '--cfg-options', *options)
        (path,) = (folder / 'test').glob('*/*.json')
        figures = json.loads(path.read_text())
        for metric in ('bbox', 'segm', 'boundary'):
            assert 0 <= figures[f'coco/{metric}_mAP'] <= 1
        pictures = sorted(path.stem for path in (folder / 'pictures').iterdir())
        names = [f'00000{n}' for n in range(3)]
        assert pictures == sorted([*names, *(f'{name}_stages' for name in names)])

    def test_augmented_views_are_merged(self, folder) -> None:
        _run(folder, 'test.py', 'run/iter_2.pth', '--work-dir', 'tta', '--tta')
        (path,) = (folder / 'tta').glob('*/*.json')
        assert 'coco/boundary_mAP' in json.loads(path.read_text())
