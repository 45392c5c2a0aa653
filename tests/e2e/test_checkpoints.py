"""Files that are no checkpoint of the model, in the test of every wing and in every tool."""

from pathlib import Path

import pytest
import torch
from helpers.fewshot_models import fewshot_config
from helpers.hidden_code import save_with_code
from helpers.tool_calls import call_tool, keep_dumps_short
from helpers.wings import INSTANCE, WINGS, wing_weights, write_wing_config

from mmfewshot_seg.converters import layouts

SYSTEMS = {wing: wing for wing in WINGS} | dict(dense_matching='asgnet')
WITHOUT_HEAD = ('panet', 'dense_matching')  # all their weights are those of the backbone

pytestmark = pytest.mark.filterwarnings('ignore:.*has been created, the method')  # two a second


@pytest.fixture(autouse=True)
def _quick_runs(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    # What takes seconds besides: versions of compilers.
    keep_dumps_short(monkeypatch)
    monkeypatch.setattr('mmengine.runner.Runner._log_env', lambda *args: None)


def _backbone(weights: dict, bare: bool) -> dict:
    prefix = 'backbone.'
    return {
        key.removeprefix(prefix) if bare else key: value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def _write_files(wing: str, weights: dict) -> dict[str, str]:
    """Names of files in this folder, and what is to be said of each."""
    cut = 'is cut off'
    torch.save(weights, 'whole.pth')
    Path('cut.pth').write_bytes(Path('whole.pth').read_bytes()[:5000])
    Path('text.pth').write_text('epoch 1\n')
    torch.save(dict(shots={}, negatives=[], meta={}), 'support.pth')
    torch.save(_backbone(weights, bare=True), 'bare.pth')
    torch.save(_backbone(weights, bare=False), 'backbone.pth')
    other = WINGS[(WINGS.index(wing) + 1) % len(WINGS)]
    torch.save(dict(state_dict=wing_weights(other)), 'other.pth')
    signature = layouts(SYSTEMS[wing])[0].signature
    torch.save({f'module.{signature}': torch.ones(1), 'module.x': torch.ones(1)}, 'official.pth')
    messages = {
        'cut.pth': cut,
        'text.pth': 'is a text file',
        'support.pth': 'is a saved support set',
        'bare.pth': "model.backbone.init_cfg=dict(type='Pretrained'",
        'other.pth': 'does not fit the model: ',
        'official.pth': f'tools/convert_checkpoint.py {SYSTEMS[wing]} IN OUT',
    }
    if wing not in WITHOUT_HEAD:
        messages['backbone.pth'] = 'A backbone alone can start a training (load_from)'
    return messages


@pytest.mark.slow
@pytest.mark.parametrize('wing', WINGS)
def test_no_figures_of_random_weights(wing, tmp_path, capfd) -> None:
    if wing in INSTANCE:
        pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')
    config = write_wing_config(wing, tmp_path)
    for name, message in _write_files(wing, wing_weights(wing)).items():
        assert call_tool('test', config, name, '--work-dir', tmp_path / 'work') == 2, name
        (line,) = [x for x in capfd.readouterr().err.splitlines() if x.startswith('test: ')]
        assert name in line and message in line
    assert not Path('results.pkl').exists()


@pytest.mark.slow
def test_hidden_code_runs_by_no_tool(tmp_path, capfd) -> None:
    mark, bad = tmp_path / 'mark', tmp_path / 'bad.pth'
    save_with_code(bad, mark, wing_weights('panet'))
    fewshot_config().dump('fewshot.py')
    config, work = write_wing_config('panet', tmp_path), ('--work-dir', 'work')
    with config.open('a') as file:
        file.write(
            'train_dataloader = test_dataloader\n'
            "train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)\n"
            "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1))\n"
        )
    Path('a.jpg').touch()
    Path('work').mkdir()
    Path('work/last_checkpoint').write_text(str(bad))
    init_cfg = f'model.backbone.init_cfg.checkpoint={bad}'
    pretrained = (init_cfg, 'model.backbone.init_cfg.type=Pretrained')
    calls = {
        'test': [(config, bad, *work), (config, 'pretrained', *work, '--cfg-options', *pretrained)],
        'train': [
            (config, *work, '--resume', bad),
            (config, *work, '--resume'),
            (config, '--work-dir', 'other', '--cfg-options', f'load_from={bad}'),
            (config, '--work-dir', 'other', '--cfg-options', *pretrained),
        ],
        'fewshot_demo': [
            ('a.jpg', '--support', 'x', '--model', 'fewshot.py', '--weights', bad),
            ('a.jpg', '--load-support', bad),
        ],
        'web': [('--model', 'fewshot.py', '--weights', bad)],
        'zeroshot_demo': [('fewshot.py', bad, 'a.jpg')],
        'convert_checkpoint': [('panet', bad, 'out.pth')],
    }
    for tool, arguments in calls.items():
        for call in arguments:
            assert call_tool(tool, *call) == 2, (tool, call)
            lines = [x for x in capfd.readouterr().err.splitlines() if x.startswith(f'{tool}: ')]
            assert len(lines) == 1 and 'bad.pth holds more than tensors' in lines[0], (tool, call)
            assert not mark.exists()
    assert call_tool('convert_checkpoint', 'panet', bad, 'out.pth', '--trust-checkpoint') == 2
    assert mark.exists() and 'no known layout' in capfd.readouterr().err
