"""Cuts RoIs out of one feature map, always in float32.

Half precision would move RoIs by whole pixels (above 1024 px), and mmcv's CPU kernel takes
every input for contiguous, so both are seen to here.

Shape letters: ``B`` images, ``N`` RoIs, ``C`` channels, ``H W`` map size, ``S`` side of a RoI.
"""

import torch
import torch.nn.functional as F
import torchvision
from mmcv.ops import roi_align
from torch import Tensor

from mmfewshot_seg.compat import is_recorded


def align_rois(features: Tensor, rois: Tensor, size: int, stride: int) -> Tensor:
    """RoIAlign, aligned, with as many samples per bin as the RoI is large.

    Args:
        features: (B, C, H, W), any float dtype.
        rois: (N, 5) image index, x1, y1, x2, y2 in pixels of the network's input.
        size: S.
        stride: Stride of the feature map.

    Returns:
        (N, C, S, S) in the dtype of the features.
    """
    if len(rois) == 0:
        return _no_rois(features, size)
    with torch.autocast(features.device.type, enabled=False):
        features_of_rois = (features.float().contiguous(), rois.float().contiguous(), (size, size))
        if is_recorded():  # MMCV's is a Python function, which no graph can hold
            aligned = torchvision.ops.roi_align(*features_of_rois, 1 / stride, 0, True)
        else:
            aligned = roi_align(*features_of_rois, 1 / stride, 0, 'avg', True)
    return aligned.to(features.dtype)


def sample_rois(features: Tensor, rois: Tensor, size: int, stride: int) -> Tensor:
    """One bilinear sample per bin, at its centre; zero outside the map.

    Args and result as of :func:`align_rois`; the RoIs may come in any order.
    """
    if len(rois) == 0:
        return _no_rois(features, size)
    batch, height, width = features.shape[0], *features.shape[2:]
    with torch.autocast(features.device.type, enabled=False):
        grid = _bin_centres(rois.float(), size, (height * stride, width * stride))
        if batch == 1:  # all of them: a graph cannot count what is found
            grids = [grid]
        else:
            by_image = [(rois[:, 0] == image).nonzero().flatten() for image in range(batch)]
            grids = [grid[indices] for indices in by_image]
        sampled = [
            F.grid_sample(
                features[image : image + 1].float(),
                part.flatten(0, 1).unsqueeze(0),
                align_corners=False,
            )
            for image, part in enumerate(grids)
        ]
        # (1, C, n * S, S) of each image -> (N, C, S, S)
        sampled = torch.cat(sampled, dim=2)[0].unflatten(1, (-1, size)).transpose(0, 1)
        if batch > 1:
            sampled = sampled[torch.cat(by_image).argsort()]
    return sampled.to(features.dtype)


def _bin_centres(rois: Tensor, size: int, image_size: tuple[int, int]) -> Tensor:
    """(N, S, S, 2) centres of the bins, x and y in [-1, 1] over the image."""
    steps = (torch.arange(size, device=rois.device) + 0.5) / size
    left, top, right, bottom = (side.unsqueeze(1) for side in rois[:, 1:].unbind(1))
    x = (left + steps * (right - left)) / image_size[1]
    y = (top + steps * (bottom - top)) / image_size[0]
    x, y = x.unsqueeze(1).expand(-1, size, -1), y.unsqueeze(2).expand(-1, -1, size)
    return torch.stack([x, y], dim=-1) * 2 - 1


def _no_rois(features: Tensor, size: int) -> Tensor:
    """(0, C, S, S) that hangs on the graph of the features."""
    return features.new_zeros(0, features.shape[1], size, size) + features.sum() * 0
