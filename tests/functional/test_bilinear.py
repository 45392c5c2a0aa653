"""Resizing without PyTorch is that of PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.functional.bilinear import resize_bilinear


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('size', [(5, 7), (13, 4), (1, 1), (40, 31), (3, 20)])
def test_equals_interpolate(align_corners, size) -> None:
    maps = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps[None], size, mode='bilinear', align_corners=align_corners)[0]
    found = resize_bilinear(maps.numpy(), size, align_corners)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-5)


def test_single_row_is_repeated() -> None:
    found = resize_bilinear(np.float32([[[2, 4]]]), (3, 3), align_corners=True)
    assert found.tolist() == [[[2, 3, 4]] * 3]
