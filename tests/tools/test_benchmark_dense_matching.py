"""The benchmark's oracle of dense matching agrees with our head."""

from pathlib import Path

import pytest
import torch

from mmfewshot_seg.models.fewshot import DenseMatchingHead

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'


@pytest.mark.parametrize('shots', [1, 3])
@torch.no_grad()
def test_oracle_agrees_with_our_head(monkeypatch, shots) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks.naive_dense_matching import NaiveDenseMatching

    torch.manual_seed(0)
    query = tuple(torch.randn(1, 1, c, 5, 6) for c in (4, 7))
    support = tuple(torch.randn(1, 1, shots, c, 5, 6) for c in (4, 7))
    masks = torch.randint(2, (1, 1, shots, 20, 24))
    scores = [
        head.scores(query, head.prototypes(support, masks))
        for head in (DenseMatchingHead(), NaiveDenseMatching())
    ]
    torch.testing.assert_close(*scores, rtol=1e-3, atol=0.02)  # ours keeps half floats
