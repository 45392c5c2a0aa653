"""Edges of a prediction at the size of the image, for tensors.

Shape letters: ``N`` ways, ``H W`` image size.
"""

import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.functional import edge_refinement
from mmfewshot_seg.functional.edge_refinement import check_method

__all__ = ['check_method', 'refine_edges']


def refine_edges(logits: Tensor, image: np.ndarray, method: str) -> Tensor:
    """:func:`mmfewshot_seg.functional.edge_refinement.refine_edges` of a tensor.

    Args:
        logits: (1+N, H, W) float on any device, background first.
        image: (H, W, 3) uint8, in any order of channels.
        method: ``'grabcut'`` or ``'guided'``.

    Returns:
        (1+N, H, W) float32 on the CPU.

    Raises:
        ValueError: If the method is unknown, or the sizes differ.
    """
    values = logits.detach().float().cpu().numpy()
    return torch.from_numpy(edge_refinement.refine_edges(values, image, method))
