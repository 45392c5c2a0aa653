"""Supports are joined as the heads join them."""

import numpy as np
import pytest
import torch
from helpers.fewshot_models import HEADS

from mmfewshot_seg.export.fewshot_graphs import of_head
from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.runtime.join import JOINS


def states(head, sizes: list[tuple[int, int]]):
    """A state of each support; they differ in size."""
    found = []
    for height, width in sizes:
        masks = torch.zeros(1, 1, 1, 8 * height, 8 * width, dtype=torch.int64)
        masks[..., height : 6 * height, width : 7 * width] = 1
        found.append(head.prototypes((torch.randn(1, 1, 1, 32, height, width),), masks))
    return found


@torch.no_grad()
@pytest.mark.parametrize('kind', HEADS)
def test_joins_as_the_head(kind) -> None:
    torch.manual_seed(0)
    head = MODELS.build(HEADS[kind]).eval()
    a, b, c, negative = states(head, [(6, 8), (9, 5), (4, 4), (5, 5)])
    options = dict(negatives=[negative]) if head.takes_negatives else {}
    expected = head.join([[a, b], [c]], **options)
    export = of_head(head)

    def plain(state):
        return {name: getattr(state, name).numpy() for name in export.state}

    negatives = [plain(negative)] if options else []
    found = JOINS[export.join]([[plain(a), plain(b)], [plain(c)]], negatives)
    assert set(found) == set(export.state)
    for name, value in found.items():
        theirs = getattr(expected, name).numpy()
        assert value.dtype == theirs.dtype
        np.testing.assert_allclose(value, theirs, rtol=1e-5, atol=1e-6)
