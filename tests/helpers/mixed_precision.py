"""What half precision changes, on the CPU and by CUDA's rules on the pretended device."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from helpers.pretended_cuda import pretended_cuda, tensors_of

each_precision = pytest.mark.parametrize(
    ('device', 'dtype'),
    [('cpu', torch.bfloat16), ('cuda', torch.bfloat16), ('cuda', torch.float16)],
    ids=['cpu-bf16', 'cuda-bf16', 'cuda-fp16'],
)


def largest_difference(run: Callable[[str], object], device: str, dtype: torch.dtype) -> float:
    """Between ``run`` in mixed precision and in float32, as a part of the largest number.

    Args:
        run: Of a device; gives nested containers of tensors, whole numbers of which do not count.
        device: ``'cpu'`` or ``'cuda'``, which is pretended.
        dtype: Of the lower precision.
    """
    torch.manual_seed(0)
    expected = run('cpu')
    with pretended_cuda() if device == 'cuda' else nullcontext():
        torch.manual_seed(0)
        with torch.autocast(device, dtype):
            found = run(device)
        found = [tensor.float().cpu() for tensor in tensors_of(found)]
    pairs = [
        (ours, exact.float())
        for ours, exact in zip(found, tensors_of(expected), strict=True)
        if exact.is_floating_point()
    ]
    assert pairs and all(ours.isfinite().all() for ours, _ in pairs)
    return max(
        float((ours - exact).abs().max() / exact.abs().max().clamp(min=1e-3))
        for ours, exact in pairs
        if exact.numel()
    )
