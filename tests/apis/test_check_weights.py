"""Converted weights of every system run in a model of its configs; misfits are named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.official_files import official_fastfcn
from helpers.tool_calls import call_tool
from parity.reference import load_manifest, reference_state_dict, reference_tensor

from mmfewshot_seg.apis import UsageError
from mmfewshot_seg.apis.check_weights import check_weights
from mmfewshot_seg.converters import convert_state_dict, layouts

ROOT = Path(__file__).parents[2]
DATA = ROOT / 'tests/parity/data'
ASGNET = 'asgnet/asgnet_r50-d8_1xb4-300k_pascal5i-fold0-1shot'
PANET = 'panet/panet_r50-d8_1xb4-6k_pascal5i-fold0-1shot'


def _config(name: str) -> str:
    return str(ROOT / f'configs/{name}.py')


def _converted(system: str, manifest: str) -> dict:
    official = reference_state_dict(load_manifest(DATA / f'{manifest}.json'))
    return convert_state_dict(official, layouts(system))


@pytest.fixture(scope='module')
def panet() -> dict:
    return _converted('panet', 'panet/manifest_resnet50')


def test_few_shot(panet) -> None:
    assert check_weights(_config(PANET), panet) == []
    assert check_weights(_config(ASGNET), _converted('asgnet', 'asgnet/manifest')) == []


def test_parts_that_are_missing_as_a_whole_are_told(panet) -> None:
    """A backbone trained by one method may start another."""
    assert check_weights(_config(ASGNET), panet) == ['decode_head']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('system', 'manifest', 'config'),
    [
        ('danet', 'danet/manifest_danet101', 'danet/danet_r101-d8_8xb2-240e_cityscapes-768x768'),
        ('gscnn', 'gscnn/manifest', 'gscnn/gscnn_wrn38-d8_8xb1-175e_cityscapes-720x720'),
    ],
)
def test_semantic(system: str, manifest: str, config: str) -> None:
    assert check_weights(_config(config), _converted(system, manifest)) == []


@pytest.mark.slow
@pytest.mark.parametrize('head', ['danet', 'psp', 'enc', 'deeplabv3'])
def test_fastfcn_has_no_decode_head(head: str) -> None:
    weights = convert_state_dict(official_fastfcn(), layouts('fastfcn'))
    config = f'jpu/{head}_r50_jpu_4xb4-80e_pascal-context-480x480'
    options = ['model.backbone.stem_channels=128']
    assert check_weights(_config(config), weights, options) == ['decode_head']


@pytest.mark.slow
def test_refinemask() -> None:
    pytest.importorskip('mmcv._ext')
    weights = _converted('refinemask', 'refinemask/manifest_detector_r50_coco')
    assert check_weights(_config('refinemask/refinemask_r50_fpn_1x_coco'), weights) == []
    with pytest.raises(ValueError, match=r'left over.*: roi_head\.mask_head\.'):
        check_weights(_config('refinemask/refinemask-simple_r50_fpn_1x_coco'), weights)


@pytest.mark.slow
@pytest.mark.parametrize('split', ['48_17', '65_15'])
def test_zsi(split: str, tmp_path) -> None:
    pytest.importorskip('mmcv._ext')
    manifest = load_manifest(DATA / f'zsi/manifest_{split}.json')
    weights = convert_state_dict(reference_state_dict(manifest), layouts('zsi'))
    word_dim, words = manifest['bbox_head.kernel_semantic.weight'][1][:2]
    columns = 1 + sum(map(int, split.split('_')))
    for name, count in (('words', words), ('vectors', columns)):
        table = reference_tensor(name, (word_dim, count)).numpy()
        np.savetxt(tmp_path / f'{name}.txt', table, '%.3f', delimiter=',')
    options = [
        f'model.classes.word_vectors={tmp_path}/vectors.txt',
        f'model.classes.vocabulary={tmp_path}/words.txt',
    ]
    config = f'zsi/zsi_r101_fpn_1x_coco-{split.replace("_", "-")}'
    assert check_weights(_config(config), weights, options) == []


def test_misfits_are_named(panet) -> None:
    weights = dict(panet)
    value = weights.pop('backbone.layer2.0.bn1.weight')
    weights['backbone.layer9.weight'] = value
    weights['backbone.layer1.0.bn1.bias'] = torch.zeros(3)
    weights['backbone.layer3.0.bn1.bias'] = torch.full((256,), torch.nan)
    with pytest.raises(ValueError, match='do not fit the model of .*panet_r50') as error:
        check_weights(_config(PANET), weights)
    for part in (
        '1 left over, which the model has no place for: backbone.layer9.weight',
        'weights of the model are missing: backbone.layer2.0.bn1.weight',
        '1 of another shape: backbone.layer1.0.bn1.bias ([3]) instead of ([64])',
        '1 not finite: backbone.layer3.0.bn1.bias',
    ):
        assert part in str(error.value)


def test_outputs_that_overflow_are_noticed(panet) -> None:
    weights = dict(panet)
    weights['backbone.layer3.0.bn1.weight'] = torch.full((256,), 3e38)
    with pytest.raises(ValueError, match='its outputs are not finite'):
        check_weights(_config(PANET), weights)


def test_wrong_configs(panet, tmp_path) -> None:
    (tmp_path / 'empty.py').write_text('x = 1')
    with pytest.raises(UsageError, match='defines no model'):
        check_weights(str(tmp_path / 'empty.py'), panet)
    with pytest.raises(KeyError, match='PANett'):
        check_weights(_config(PANET), panet, ['model.decode_head.type=PANett'])


def test_the_tool_writes_what_passed(tmp_path, capsys) -> None:
    official = reference_state_dict(load_manifest(DATA / 'panet/manifest_resnet50.json'))
    torch.save(official, tmp_path / 'in.pth')
    files = ('panet', tmp_path / 'in.pth', tmp_path / 'out.pth', '--check')
    assert call_tool('convert_checkpoint', *files, _config(PANET.replace('r50', 'r101'))) == 2
    message = capsys.readouterr().err
    assert message.startswith('convert_checkpoint: the weights do not fit the model of ')
    assert 'weights of the model are missing: backbone.layer3.6.conv1.weight' in message
    assert message.count('\n') == 1
    assert not (tmp_path / 'out.pth').exists()
    assert call_tool('convert_checkpoint', *files, _config(PANET)) == 0
    assert 'panet_r50-d8_1xb4-6k_pascal5i-fold0-1shot.py runs with it' in capsys.readouterr().out
    assert (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--split', 'coco_65_15'], '--word-vectors and --split belong together'),
        (['--cfg-options', 'model.a=1'], '--cfg-options are of the config to --check'),
    ],
)
def test_options_without_their_like_are_refused(options, message, capsys) -> None:
    assert call_tool('convert_checkpoint', 'zsi', 'in.pth', 'out.pth', *options) == 2
    assert message in capsys.readouterr().err
