"""Mixed precision without a CUDA device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmfewshot_seg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """``OptimWrapper`` for training in bfloat16 on the CPU, which MMEngine's wrapper refuses.

    bfloat16 has the range of float32, so losses need no scaling.

    Args:
        kwargs: See ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """What the losses are computed in."""
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield
