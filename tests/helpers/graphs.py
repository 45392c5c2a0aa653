"""What tests of exported graphs need of PyTorch."""

import pytest
import torch
import torch.export

needs_free_sizes = pytest.mark.skipif(
    not hasattr(torch.export, 'Dim'), reason='torch 2.1 exports no graphs for any size'
)
