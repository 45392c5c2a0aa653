"""Protocols as they are published, and how a config changes them."""

import pytest

from mmfewshot_seg.datasets.protocols import PROTOCOLS, resolve_protocol


@pytest.mark.parametrize(
    ('name', 'benchmark', 'expected'),
    [
        (
            'panet',
            'pascal',
            ('random', 0, 'contiguous', 'background', 'network', 1000, 5, 1234),
        ),
        ('panet', 'coco', ('random', 0, 'contiguous', 'background', 'network', 1000, 5, 1234)),
        (
            'pfenet',
            'pascal',
            ('images', 2048, 'interleaved', 'ignore', 'padded', 5000, 1, 321),
        ),
        ('pfenet', 'coco', ('images', 2048, 'interleaved', 'ignore', 'padded', 20000, 1, 321)),
        (
            'asgnet',
            'pascal',
            ('images', 2048, 'interleaved', 'ignore', 'padded', 1000, 1, 321),
        ),
        ('asgnet', 'coco', ('images', 2048, 'interleaved', 'ignore', 'padded', 20000, 1, 321)),
        ('hsnet', 'pascal', ('pairs', 0, 'interleaved', 'ignore', 'network', 1000, 1, 0)),
        ('hsnet', 'coco', ('random', 0, 'interleaved', 'ignore', 'network', 1000, 1, 0)),
    ],
)
def test_published_values(name, benchmark, expected):
    protocol = resolve_protocol(name, benchmark)
    assert expected == (
        protocol.query_order,
        protocol.min_area,
        protocol.fold_style,
        protocol.support_void,
        protocol.eval_at,
        protocol.num_episodes,
        protocol.num_runs,
        protocol.seed,
    )


def test_config_wins_over_benchmark():
    changed = resolve_protocol({'name': 'pfenet', 'num_episodes': 7}, 'coco')
    assert (changed.name, changed.num_episodes) == ('pfenet with num_episodes=7', 7)
    assert PROTOCOLS['pfenet'].num_episodes == 5000


def test_other_data_sets_take_the_plain_values():
    assert resolve_protocol('pfenet', None).num_episodes == 5000


@pytest.mark.parametrize(
    ('protocol', 'message'),
    [
        ('pfnet', "unknown protocol: 'pfnet' .did you mean 'pfenet'"),
        ({'min_area': 1}, 'unknown protocol: None'),
        ({'name': 'panet', 'eval': 1}, "unknown key of protocol 'panet': 'eval' .did you mean"),
        ({'name': 'panet', 'eval_at': 'full'}, "eval_at is one of .*'padded'.*got 'full'"),
    ],
)
def test_unknown_values_are_refused(protocol, message):
    with pytest.raises(ValueError, match=message):
        resolve_protocol(protocol)
