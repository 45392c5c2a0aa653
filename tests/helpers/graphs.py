"""What tests of exported graphs need of PyTorch."""

import pytest
import torch
import torch.export

needs_free_sizes = pytest.mark.skipif(
    not hasattr(torch.export, 'Dim'), reason='torch 2.1 exports no graphs for any size'
)
needs_exporter = pytest.mark.skipif(
    not hasattr(getattr(torch.export, 'Dim', None), 'AUTO'),
    reason='ONNX files are written by PyTorch 2.6 or newer',
)
