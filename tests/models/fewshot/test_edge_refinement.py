"""Edges of tensors are those of arrays."""

import numpy as np
import pytest
import torch

from mmfewshot_seg.functional import edge_refinement
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges


@pytest.mark.parametrize('method', edge_refinement.METHODS)
def test_any_dtype_and_the_gradient_is_left_behind(method) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    logits = torch.randn(3, 20, 30, generator=torch.Generator().manual_seed(0)).half()
    refined = refine_edges(logits.requires_grad_(), image, method)
    assert refined.dtype == torch.float32 and not refined.requires_grad
    expected = edge_refinement.refine_edges(logits.detach().float().numpy(), image, method)
    np.testing.assert_array_equal(refined.numpy(), expected)
