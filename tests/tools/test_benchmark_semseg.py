"""Both sides of the benchmarks of position attention compute the same."""

from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks import position_attention

    return position_attention


def test_outputs_agree(benchmark) -> None:
    ours, peer = (benchmark.forward(side, 'cpu', True, (97, 97))() for side in ('ours', 'peer'))
    assert ours.shape == (1, 512, *benchmark.TINY)
    torch.testing.assert_close(ours, peer, rtol=1e-4, atol=1e-4)


def test_a_training_step_does_not_add_up(benchmark, monkeypatch) -> None:
    """Two calls leave the gradients of one, of input and parameters."""
    kept = {}
    build = benchmark._features
    monkeypatch.setattr(benchmark, '_features', lambda *args: kept.setdefault('x', build(*args)))
    call = benchmark.training('ours', 'cpu', True, (97, 97))
    call()
    once = kept['x'].grad.clone()
    call()
    torch.testing.assert_close(kept['x'].grad, once, rtol=0, atol=0)
