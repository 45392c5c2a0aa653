"""Logits of the class sought, without those of the other classes.

Shape letters: ``N`` RoIs, ``C`` channels, ``K`` classes, ``S`` side.
"""

import torch
from torch import Tensor, nn


def label_logits(classifier: nn.Conv2d, features: Tensor, labels: Tensor) -> Tensor:
    """Apply the rows of a 1x1 convolution that belong to the labels.

    Equals ``classifier(features)[arange(N), labels][:, None]``, but computes one channel per RoI
    instead of K. With one output channel (class-agnostic) every label means that channel.

    Args:
        classifier: 1x1 convolution from C to K channels, with bias.
        features: (N, C, S, S).
        labels: (N,) int64 in [0, K), any if K is 1.

    Returns:
        (N, 1, S, S).
    """
    if classifier.out_channels == 1:
        return classifier(features)
    weight = classifier.weight[labels].flatten(1).unsqueeze(1)
    bias = classifier.bias[labels].view(-1, 1, 1)
    logits = torch.baddbmm(bias, weight, features.flatten(2))
    return logits.unflatten(2, features.shape[2:])
