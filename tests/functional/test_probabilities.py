"""Probabilities without PyTorch are those of PyTorch."""

import numpy as np
import torch

from mmfewshot_seg.functional.probabilities import sigmoid, softmax

LOGITS = np.float32([[-200, -3, 0, 1e-3], [90, 2, 0.5, 500], [1, 1, 1, 1]])


def test_equal_pytorch() -> None:
    tensor = torch.from_numpy(LOGITS)
    np.testing.assert_allclose(softmax(LOGITS), tensor.softmax(0).numpy(), atol=1e-6)
    np.testing.assert_allclose(sigmoid(LOGITS), tensor.sigmoid().numpy(), atol=1e-6)
    assert softmax(LOGITS).dtype == sigmoid(LOGITS).dtype == np.float32


def test_large_logits_overflow_nothing() -> None:
    with np.errstate(all='raise', under='ignore'):
        assert sigmoid(np.float32([-1e4, 1e4])).tolist() == [0, 1]
        assert softmax(np.float32([[-1e4], [1e4]])).tolist() == [[0], [1]]
