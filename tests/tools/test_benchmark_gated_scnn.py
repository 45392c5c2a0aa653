"""Both sides of the benchmarks of Gated-SCNN compute the same."""

from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks import gated_scnn

    return gated_scnn


@pytest.mark.parametrize(
    ('builder', 'options'),
    [
        ('gate', ()),
        ('shape_stream', (1,)),
        ('edge_labels', ()),
        ('boundary_f', ()),
        ('boundary_f', (0.5,)),
    ],
)
def test_sides_agree(benchmark, builder, options) -> None:
    ours, peer = (
        torch.as_tensor(getattr(benchmark, builder)(side, 'cpu', True, *options)())
        for side in ('ours', 'peer')
    )
    assert ours.double().std() > 0 or ours.isnan().any()
    torch.testing.assert_close(ours, peer, rtol=1e-4, atol=1e-5, equal_nan=True)


def test_half_of_the_stream_is_half_as_large(benchmark) -> None:
    ours, peer = (benchmark.shape_stream(side, 'cpu', True, 2)() for side in ('ours', 'peer'))
    assert ours.shape == (1, 1, 16, 32) and peer.shape == (1, 1, 32, 64)


def test_label_maps_show_what_the_cases_say(benchmark) -> None:
    regions = benchmark._regions(720, seed=0)
    assert len(np.unique(regions)) == benchmark.CLASSES
    assert len(np.unique(regions % 12)) == 12
