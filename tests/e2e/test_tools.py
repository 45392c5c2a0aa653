"""The command-line tools from end to end: same figures in any arrangement, mistakes told."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from helpers.class_folder import draw_class_folder
from helpers.tool_calls import start_tool

ROOT = Path(__file__).parents[2]
CONFIG = """
_base_ = '{root}/configs/panet/panet_r18-d8_1xb8-2k_class-folder.py'
model = dict(backbone=dict(base_channels=4, stem_channels=4))
source = dict(data_root='{folder}', index_dir='{folder}_index')
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    dataset=dict(source=source, base_classes=['disc', 'ring'], fold=['square']))
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = dict(
    num_workers=0, dataset=dict(source=source, fold=['square'], num_episodes=7, num_runs=2))
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=6)
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(interval=2), visualization=dict(interval=5))
"""
ASGNET = """
_base_ = './config.py'
model = dict(
    backbone=dict(type='ResNet', out_indices=(1, 2)),
    decode_head=dict(
        _delete_=True, type='mmfewshot_seg.ASGNetHead', in_channels=(8, 16), channels=8,
        superpixel_area=3))
train_cfg = dict(max_iters=2)
test_dataloader = dict(dataset=dict(num_episodes=2, num_shots=2))
"""
KILLED = """
_base_ = './config.py'
custom_imports = dict(imports=['kill_hook'])
custom_hooks = [dict(type='KillHook')]
"""
KILL_HOOK = """
import os
import signal

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class KillHook(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter == 2:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Data, configs, and a model trained for six iterations without a break."""
    folder = tmp_path_factory.mktemp('tools')
    draw_class_folder(folder / 'classes')
    (folder / 'config.py').write_text(CONFIG.format(root=ROOT, folder=folder / 'classes'))
    (folder / 'killed.py').write_text(KILLED)
    (folder / 'kill_hook.py').write_text(KILL_HOOK)
    _run(folder, 'train.py', 'config.py', '--work-dir', 'whole')
    return folder


def _run(folder: Path, tool: str, *arguments: str, processes: int = 0, code: int = 0):
    if processes:
        place = 2 if tool == 'test.py' else 1
        arguments = (*arguments[:place], str(processes), *arguments[place:])
        tool = f'dist_{tool[:-3]}.sh'
    return start_tool(folder, tool, *arguments, code=code, PYTHONPATH=str(folder))


def _figures(work_dir: Path) -> dict:
    """Figures that a test logged, without its times."""
    (path,) = work_dir.glob('*/*.json')
    figures = json.loads(path.read_text())
    return {key: value for key, value in figures.items() if 'time' not in key}


@pytest.mark.slow
def test_killed_training_resumes_to_the_same_weights(folder) -> None:
    _run(folder, 'train.py', 'killed.py', '--work-dir', 'broken', code=-9)
    assert (folder / 'broken/last_checkpoint').read_text().endswith('iter_2.pth')
    _run(folder, 'train.py', 'config.py', '--work-dir', 'broken', '--resume')
    weights = [
        torch.load(folder / run / 'iter_6.pth', weights_only=False)['state_dict']
        for run in ('whole', 'broken')
    ]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.slow
def test_workers_and_processes_give_the_same_figures(folder) -> None:
    arguments = ('config.py', 'whole/iter_6.pth', '--work-dir')
    _run(folder, 'test.py', *arguments, 'one', '--out', 'one.pkl', '--show-dir', 'pictures')
    two_workers = ('--cfg-options', 'test_dataloader.num_workers=2')
    _run(folder, 'test.py', *arguments, 'workers', *two_workers)
    _run(folder, 'test.py', *arguments, 'processes', processes=2)
    figures = _figures(folder / 'one')
    assert set(figures) == {'mIoU', 'FB-IoU', 'episode_mIoU', 'mIoU_std', 'FB-IoU_std'}
    assert _figures(folder / 'workers') == figures
    assert _figures(folder / 'processes') == figures
    episodes = pickle.loads((folder / 'one.pkl').read_bytes())
    assert [(e['run'], e['index']) for e in episodes] == [(r, i) for r in (0, 1) for i in range(7)]
    assert sorted(path.name for path in (folder / 'pictures').iterdir()) == [
        f'test_{run}_0000{index}_square.png' for run in (0, 1) for index in (0, 5)
    ]


@pytest.mark.slow
def test_training_with_two_processes_runs(folder) -> None:
    _run(folder, 'train.py', 'config.py', '--work-dir', 'two', '--seed', '3', processes=2)
    assert (folder / 'two/iter_6.pth').exists()


@pytest.mark.slow
def test_asgnet_trains_tests_and_draws_its_prototypes(folder) -> None:
    (folder / 'asgnet.py').write_text(ASGNET)
    _run(folder, 'train.py', 'asgnet.py', '--work-dir', 'asgnet')
    arguments = ('asgnet.py', 'asgnet/iter_2.pth', '--work-dir', 'asgnet_test')
    maps = ('--cfg-options', 'model.test_cfg.prototype_maps=True')
    _run(folder, 'test.py', *arguments, '--show-dir', 'maps', *maps)
    (picture,) = (cv2.imread(str(path)) for path in (folder / 'maps').glob('test_0_*.png'))
    _run(folder, 'test.py', *arguments, '--show-dir', 'plain')
    (plain,) = (cv2.imread(str(path)) for path in (folder / 'plain').glob('test_0_*.png'))
    assert picture.shape[1] > plain.shape[1]


@pytest.mark.slow
def test_baselines_of_a_config(folder) -> None:
    result = _run(folder, 'analysis_tools/fewshot_baselines.py', 'config.py')
    *_, everything, copied, disc = result.stdout.splitlines()
    assert everything.endswith('everything foreground')
    assert copied.endswith('support mask copied')
    assert float(disc[:5]) > float(everything[:5]) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ('tool', 'arguments', 'message'),
    [
        ('train.py', ['no.py'], 'no.py is neither a config file'),
        ('test.py', ['config.py', 'no.pth'], 'checkpoint no.pth does not exist'),
        (
            'train.py',
            ['config.py', '--cfg-options', 'train_dataloader.dataset.fold=[ring2]'],
            "'ring2'",
        ),
        ('train.py', ['config.py', '--cfg-options', 'model.type=PANett'], 'PANett'),
    ],
)
def test_mistakes_are_told_in_a_line(folder, tool, arguments, message) -> None:
    result = _run(folder, tool, *arguments, '--work-dir', 'mistake', code=2)
    assert message in result.stderr
    assert 'Traceback' not in result.stderr


TOOLS = ('train', 'test', 'demo', 'convert_checkpoint', 'draw_dataset', 'browse_dataset')
TOOLS += ('prepare_pascal5i', 'prepare_coco20i', 'fewshot_demo', 'zeroshot_demo', 'web')
YARDSTICKS = ('analysis_tools/fewshot_baselines', 'analysis_tools/zeroshot_baselines')


@pytest.mark.parametrize('tool', [*TOOLS, *YARDSTICKS])
def test_help_needs_no_torch(tool) -> None:
    code = (
        'import runpy, sys; sys.argv = ["x", "--help"]\n'
        f'try: runpy.run_path({str(ROOT / "tools" / f"{tool}.py")!r}, run_name="__main__")\n'
        'except SystemExit as stop: assert stop.code == 0\n'
        'assert "torch" not in sys.modules and "mmengine" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)
