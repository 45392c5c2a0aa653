"""Probabilities of logits."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Shares of the classes, which are the first dimension; float32 that add up to 1."""
    shares = np.exp(logits - logits.max(0, keepdims=True))
    return shares / shares.sum(0, keepdims=True)
