"""What an encoder must not lose: its decoder has to give the features back."""

import torch.nn.functional as F
from torch import Tensor


def reconstruction_loss(features: Tensor, decoded: Tensor, weight: float) -> Tensor:
    """Weighted mean squared error over all elements; 0, on the graph, where there are none.

    Gradients flow to both sides.

    Args:
        features: What was encoded, any shape.
        decoded: What the decoder made of it, same shape.
        weight: Factor; 0.5 in the published models.

    Source: Zero-Shot Instance Segmentation (Zheng et al., CVPR 2021), section 3.2.
    """
    reduction = 'mean' if features.numel() else 'sum'
    return weight * F.mse_loss(features, decoded, reduction=reduction)
