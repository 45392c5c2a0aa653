"""Joint upsampling against mmseg's neck, its three forms, and what it refuses."""

import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmseg.models.necks import JPU
from mmseg.registry import MODELS as MMSEG_MODELS

from mmfewshot_seg.models.semseg import JointPyramidUpsampling, StagedPyramidUpsampling

CHANNELS = (6, 10, 14)
NECKS = (JointPyramidUpsampling, StagedPyramidUpsampling)


def _levels(channels=CHANNELS) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(2, count, -(-21 >> level), -(-18 >> level), generator=generator)
        for level, count in enumerate(channels)
    )


def _neck(kind=JointPyramidUpsampling, channels=CHANNELS, **options):
    torch.manual_seed(0)
    if kind is StagedPyramidUpsampling:
        options.setdefault('branch_norm_cfg', dict(type='GN', num_groups=2))
    return kind(channels, mid_channels=8, **options).eval()


@pytest.mark.parametrize('kind', NECKS)
def test_norms_may_keep_their_statistics_in_training(kind) -> None:
    neck = _neck(kind, norm_eval=True).train()
    before = {name: value.clone() for name, value in neck.named_buffers()}
    neck(_levels())
    assert before and all((value == before[name]).all() for name, value in neck.named_buffers())


@pytest.mark.parametrize('kind', NECKS)
def test_channels_of_one_level_are_refused(kind) -> None:
    with pytest.raises(ValueError, match='in_channels=6, expected a sequence'):
        _neck(kind, channels=6)


def _official(state_dict: dict) -> dict:
    """The official layout of a neck of three levels: deepest level first."""
    converted = {}
    for key, value in state_dict.items():
        kind, index, _, module, *rest = key.split('.')
        if kind == 'conv_layers':
            part = dict(conv=0, bn=1)[module]
            converted[f'conv{int(index) + 3}.{part}.{rest[0]}'] = value
            continue
        if module == 'depthwise_conv' and value.dim():
            value = torch.cat(value.chunk(3)[::-1])
        elif rest[0] == 'conv':
            value = torch.cat(value.chunk(3, dim=1)[::-1], dim=1)
        part = {
            'depthwise_conv.conv': '0.conv1',
            'depthwise_conv.bn': '0.bn',
            'pointwise_conv.conv': '0.pointwise',
            'pointwise_conv.bn': '1',
        }[f'{module}.{rest[0]}']
        converted[f'dilation{int(index) + 1}.{part}.{rest[-1]}'] = value
    return converted


@pytest.mark.parametrize(
    ('channels', 'start_level'), [((6, 10), 0), (CHANNELS, 0), ((4, *CHANNELS), 1)]
)
@pytest.mark.parametrize('align_corners', [False, True])
def test_outputs_are_those_of_mmseg(channels, start_level, align_corners) -> None:
    options = dict(
        mid_channels=8, start_level=start_level, dilations=(1, 3), align_corners=align_corners
    )
    peer = JPU(channels, **options).eval()
    ours = JointPyramidUpsampling(list(channels), **options).eval()
    for name, value in peer.named_buffers():
        if name.endswith('running_var'):
            torch.nn.init.uniform_(value, 0.5, 1.5)
    ours.load_state_dict(peer.state_dict())
    torch.testing.assert_close(ours(_levels(channels)), peer(_levels(channels)))
    peer.load_state_dict(ours.state_dict())  # ours load there, too


def test_corners_are_aligned_by_default() -> None:
    levels = _levels()
    default, aligned, other = (
        _neck(**options)(levels)[-1]
        for options in ({}, dict(align_corners=True), dict(align_corners=False))
    )
    torch.testing.assert_close(default, aligned, rtol=0, atol=0)
    assert (default - other).abs().max() > 0.01


def test_official_layout_is_reordered() -> None:
    neck = _neck()
    with torch.no_grad():
        for value in (*neck.parameters(), *neck.buffers()):
            if value.is_floating_point():
                value.uniform_(0.1, 1)
    official, fresh = _official(neck.state_dict()), _neck()
    assert len(official) == len(neck.state_dict())
    fresh.load_state_dict(official)
    assert all((fresh.state_dict()[key] == value).all() for key, value in neck.state_dict().items())


@pytest.mark.parametrize('kind', NECKS)
@pytest.mark.parametrize('count', [2, 3, 4])
def test_forms(kind, count) -> None:
    channels = (6, 10, 14, 18)[:count]
    levels = _levels(channels)
    (fused,) = _neck(kind, channels, out='fused')(levels)
    assert fused.shape == (2, 32, 21, 18)
    *passed, last = _neck(kind, channels, out='append')(levels)
    assert all(ours is level for ours, level in zip(passed, levels[:-1], strict=True))
    torch.testing.assert_close(last, fused)

    neck = _neck(kind, channels, out='pyramid', out_channels=5, num_outs=4)
    pyramid = neck(levels)
    sizes = [(21, 18), (11, 9), (6, 5), (3, 3)]
    assert [tuple(level.shape) for level in pyramid] == [(2, 5, *size) for size in sizes]
    torch.testing.assert_close(pyramid[0], neck.outputs.reduce(fused))
    torch.testing.assert_close(pyramid[1][..., 0, 0], pyramid[0][..., :2, :2].mean((2, 3)))
    torch.testing.assert_close(pyramid[1][..., 10, 8], pyramid[0][..., 20, 16:].mean(2))


@pytest.mark.parametrize('kind', NECKS)
def test_both_hosts_build_it(kind) -> None:
    for registry in (MMSEG_MODELS, MMDET_MODELS):
        assert registry.get(kind.__name__) is kind


@pytest.mark.parametrize('kind', NECKS)
@pytest.mark.parametrize(
    ('levels', 'message'),
    [
        (_levels()[:2], r'got 2 levels with \(6, 10\) channels, but in_channels=\(6, 10, 14\)'),
        (
            _levels((6, 10, 13)),
            r'levels have \(6, 10, 13\) channels, but in_channels=',
        ),
    ],
)
def test_other_levels_are_refused(kind, levels, message) -> None:
    with pytest.raises(ValueError, match=message):
        _neck(kind)(levels)


@pytest.mark.parametrize(
    ('kind', 'options', 'message'),
    [
        (JointPyramidUpsampling, dict(in_channels=[6]), r'at least 2 of the 1 levels .*=\(6,\)'),
        *(
            (JointPyramidUpsampling, levels, f'{message}: expected at least 2 of the 3 levels')
            for levels, message in (
                (dict(start_level=2), 'start_level=2 and end_level=-1'),
                (dict(start_level=-2), 'start_level=-2 and end_level=-1'),
                (dict(end_level=4), 'start_level=0 and end_level=4'),
                (dict(end_level=1), 'start_level=0 and end_level=1'),
            )
        ),
        (JointPyramidUpsampling, dict(mid_channels=0), 'mid_channels=0, expected a positive'),
        (JointPyramidUpsampling, dict(dilations=(1, 0)), r'dilations=\(1, 0\)'),
        (JointPyramidUpsampling, dict(dilations=()), r'dilations=\(\)'),
        (StagedPyramidUpsampling, dict(in_channels=[6]), r'in_channels=\(6,\), but at least 2'),
        (
            StagedPyramidUpsampling,
            dict(mid_channels=33),
            'mid_channels=33 cannot be halved',
        ),
        *(
            (kind, options, message)
            for kind in NECKS
            for options, message in (
                (dict(out='last'), "out='last', expected one of 'fused', 'append', 'pyramid'"),
                (dict(out='pyramid', num_outs=0), 'num_outs=0'),
                (dict(out='pyramid', out_channels=0), 'out_channels=0'),
            )
        ),
    ],
)
def test_bad_settings_are_refused(kind, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**options)
