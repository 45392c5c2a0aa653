"""Probabilities of logits, without PyTorch."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Shares of the classes, which are the first dimension; they add up to 1."""
    shares = np.exp(logits - logits.max(0, keepdims=True))
    return shares / shares.sum(0, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probability of each logit by itself."""
    return 0.5 * (1 + np.tanh(0.5 * logits))  # an exponential could overflow
