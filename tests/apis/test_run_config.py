"""What command-line options do to a config, and which mistakes are told."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmfewshot_seg.apis import run_config
from mmfewshot_seg.command import UsageError

ROOT = Path(__file__).parents[2]


def _config(tmp_path, text: str = 'a = dict(b=1)\n') -> str:
    path = tmp_path / 'some.py'
    path.write_text(text)
    return str(path)


def test_options_and_work_dir(tmp_path) -> None:
    cfg = run_config.load_config(_config(tmp_path), ['a.b=2', 'a.c=[1,x]'])
    assert cfg.a == dict(b=2, c=[1, 'x'])
    assert cfg.work_dir == 'work_dirs/some'
    assert run_config.load_config(_config(tmp_path), work_dir='here').work_dir == 'here'


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('a = 1', ['a'], "takes key=value, got 'a'"),
        ('a = ', [], 'SyntaxError'),
        ("_base_ = './no.py'", [], 'no.py'),
    ],
)
def test_bad_configs_are_refused(tmp_path, text, options, message) -> None:
    with pytest.raises(UsageError, match=message):
        run_config.load_config(_config(tmp_path, text), options)


VARIABLES = """
scale = (int('{{$SOME_SIDE:7}}'),) * 2
source = dict(type='Source', root='here')
alone = 3
step = dict(type='Resize', scale=scale)
train_dataloader = dict(dataset=dict(source=source, pipeline=[step]))
"""


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('scale=(9,9)', 'SOME_SIDE, or train_dataloader.dataset.pipeline.0.scale$'),
        ('source.root=there', 'Set train_dataloader.dataset.source.root$'),
        ('step.scale=(9,9)', 'Set train_dataloader.dataset.pipeline.0.scale$'),
    ],
)
def test_options_that_change_nothing_are_refused(tmp_path, monkeypatch, option, message) -> None:
    monkeypatch.delenv('SOME_SIDE', raising=False)
    path = _config(tmp_path, VARIABLES)
    with pytest.raises(UsageError, match=f'changes nothing: .* {message}'):
        run_config.load_config(path, [option])
    fine = ['alone=4', 'train_dataloader.batch_size=2', 'work_dir=here', 'new=1']
    assert run_config.load_config(path, fine).alone == 4
    monkeypatch.setenv('SOME_SIDE', '9')
    assert run_config.load_config(path).train_dataloader.dataset.pipeline[0].scale == (9, 9)


@pytest.mark.parametrize('name', ['class_folder', 'class_folder_224'])
def test_one_value_sets_the_size_of_class_folders(monkeypatch, name) -> None:
    path = f'{ROOT}/configs/_base_/datasets/{name}.py'
    monkeypatch.setenv('CLASS_FOLDER_SIDE', '336')
    cfg = run_config.load_config(path)
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.pipeline[2].scale == (336, 336)
    crop = cfg.train_dataloader.dataset.pipeline[3].crop_size
    assert crop == ((240, 240) if name.endswith('224') else (336, 336))
    monkeypatch.delenv('CLASS_FOLDER_SIDE')
    with pytest.raises(
        UsageError, match='Set the environment variable CLASS_FOLDER_SIDE, or train'
    ):
        run_config.load_config(path, ['scale=(224,224)'])


def test_missing_files_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match='no.py is neither a config file nor the name of a config'):
        run_config.load_config('no.py')
    with pytest.raises(UsageError, match='checkpoint no.pth does not exist'):
        run_config.set_resume(Config(), 'no.pth')
    assert run_config.existing_checkpoint('https://host/file.pth') == 'https://host/file.pth'


@pytest.mark.parametrize(
    ('kind', 'seeded'),
    [('mmfewshot_seg.FewShotDataset', True), ('FewShotDataset', True), ('CocoDataset', False)],
)
def test_seed_reaches_the_episodes(kind, seeded) -> None:
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type=kind)), randomness=dict(x=1)))
    run_config.set_seed(cfg, 7, 'train_dataloader')
    assert cfg.randomness == dict(x=1, seed=7)
    assert ('seed' in cfg.train_dataloader.dataset) == seeded


def test_without_cuda(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(UsageError, match='--launcher mpi needs CUDA devices'):
        run_config.set_launcher(Config(), 'mpi')
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(UsageError, match='use tools/slurm_train.sh'):
        run_config.set_launcher(Config(), 'slurm')
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(UsageError, match='use tools/dist_train.sh'):
        run_config.set_launcher(Config(), 'pytorch')


def test_auto_scale_lr_needs_a_batch_size() -> None:
    cfg = Config(dict(auto_scale_lr=dict(enable=False, base_batch_size=16)))
    run_config.set_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=16)
    with pytest.raises(UsageError, match='auto_scale_lr.base_batch_size=16 if it is for 16'):
        run_config.set_auto_scale_lr(Config())


def test_amp_keeps_the_optimizer(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD'))))
    run_config.set_amp(cfg)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
    assert cfg.optim_wrapper.loss_scale == 'dynamic'
    cfg.optim_wrapper.type = 'DeepSpeedOptimWrapper'
    with pytest.raises(UsageError, match='the config has DeepSpeedOptimWrapper'):
        run_config.set_amp(cfg)


def test_amp_without_cuda_is_bfloat16_on_the_cpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic', dtype='float16')
    cfg = Config(dict(optim_wrapper=dict(wrapper, optimizer=dict(type='SGD'))))
    run_config.set_amp(cfg)
    assert cfg.optim_wrapper == dict(
        type='mmfewshot_seg.CpuAmpOptimWrapper', optimizer=dict(type='SGD')
    )
    cfg = Config(dict(optim_wrapper=dict(), model=dict(type='MaskRCNN', rpn_head=dict())))
    with pytest.raises(UsageError, match='--amp needs a CUDA device for MaskRCNN: .* NMS'):
        run_config.set_amp(cfg)
    cfg.model.rpn_head.type = 'mmfewshot_seg.BackgroundAwareRPNHead'
    run_config.set_amp(cfg)


def test_show_dir_of_the_hosts() -> None:
    seg = Config(dict(default_hooks=dict(visualization=dict(type='SegVisualizationHook'))))
    run_config.set_show_dir(seg, 'pictures')
    assert seg.default_hooks.visualization.draw and seg.visualizer.save_dir == 'pictures'
    det = Config(dict(default_hooks=dict(visualization=dict(type='DetVisualizationHook'))))
    run_config.set_show_dir(det, 'pictures')
    assert det.default_hooks.visualization.test_out_dir.endswith('/pictures')
    with pytest.raises(UsageError, match='--show-dir needs a hook'):
        run_config.set_show_dir(Config(), 'pictures')


@pytest.mark.parametrize('hook', ['mmfewshot_seg.EpisodeVisualizationHook', 'SegVisualizationHook'])
def test_show_dir_of_a_few_shot_model_draws_episodes(hook) -> None:
    cfg = Config(
        dict(
            model=dict(type='mmfewshot_seg.FewShotSegmentor'),
            default_hooks=dict(visualization=dict(type=hook), timer=dict(type='IterTimerHook')),
            visualizer=dict(type='SegLocalVisualizer'),
        )
    )
    run_config.set_show_dir(cfg, 'pictures')
    drawn = dict(type='mmfewshot_seg.EpisodeVisualizationHook', draw=True, out_dir='pictures')
    assert cfg.default_hooks.visualization == drawn
    assert cfg.default_hooks.timer.type == 'IterTimerHook'
    ours = hook.startswith('mmfewshot_seg')
    assert cfg.visualizer.type.endswith('SegLocalVisualizer' if ours else 'EpisodeVisualizer')


def test_resume_takes_the_last_checkpoint_if_there_is_one(tmp_path) -> None:
    cfg = Config(dict(load_from='pretrained.pth', work_dir=str(tmp_path)))
    run_config.set_resume(cfg, 'auto')
    assert not cfg.resume and cfg.load_from == 'pretrained.pth'
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
    with pytest.raises(UsageError, match='iter_2.pth does not exist'):
        run_config.set_resume(cfg, 'auto')
    torch.save({}, tmp_path / 'iter_2.pth')
    run_config.set_resume(cfg, 'auto')
    assert cfg.resume and cfg.load_from == str(tmp_path / 'iter_2.pth')


@pytest.mark.parametrize(
    ('scope', 'dump'), [('mmdet', 'DumpDetResults'), ('mmseg', 'mmfewshot_seg.DumpLabelMaps')]
)
def test_out_is_added_to_the_evaluators(scope, dump) -> None:
    cfg = Config(dict(default_scope=scope, test_evaluator=dict(type='M')))
    run_config.set_out(cfg, 'out.pkl')
    assert [evaluator.type for evaluator in cfg.test_evaluator] == ['M', dump]
    cfg.test_evaluator = dict(type='E', metrics=dict(type='M'))
    run_config.set_out(cfg, 'out.pkl')
    assert cfg.test_evaluator.type == 'E'
    assert [metric.type for metric in cfg.test_evaluator.metrics] == ['M', dump]
    with pytest.raises(UsageError, match='a config with a test_evaluator'):
        run_config.set_out(Config(), 'out.pkl')
    with pytest.raises(UsageError, match='must end with .pkl'):
        run_config.set_out(cfg, 'out.json')


def test_tta_wraps_the_model_and_replaces_the_innermost_pipeline() -> None:
    cfg = Config(
        dict(
            model=dict(type='A'),
            tta_model=dict(type='T'),
            tta_pipeline=[dict(type='P')],
            test_dataloader=dict(dataset=dict(type='Wrapper', dataset=dict(pipeline=[]))),
        )
    )
    run_config.set_tta(cfg)
    assert cfg.model == dict(type='T', module=dict(type='A'))
    assert cfg.test_dataloader.dataset.dataset.pipeline == [dict(type='P')]
    with pytest.raises(UsageError, match='defines no tta_model and no tta_pipeline'):
        run_config.set_tta(Config(dict(test_dataloader=dict(dataset=dict()))))
    with pytest.raises(UsageError, match='defines no tta_pipeline'):
        run_config.set_tta(Config(dict(tta_model=dict(type='T'), tta_pipeline=None)))
