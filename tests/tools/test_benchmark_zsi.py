"""The oracle of the zero-shot benchmark agrees with ours, at the size of the published models."""

from pathlib import Path

import pytest
import torch

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'


@pytest.mark.parametrize('builder', ['bbox_head', 'mask_head'])
def test_both_sides_of_a_case_compute_the_same(monkeypatch, builder) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks import zsi

    ours, peer = (getattr(zsi, builder)(side, 'cpu', True)() for side in ('ours', 'peer'))
    torch.testing.assert_close(ours, peer, rtol=1e-3, atol=1e-4)
