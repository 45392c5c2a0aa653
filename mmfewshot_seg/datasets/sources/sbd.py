"""Reading of the MATLAB files of SBD, the Semantic Boundaries Dataset."""

import numpy as np
from scipy.io import loadmat

from mmfewshot_seg.datasets.sources.image_files import decoding
from mmfewshot_seg.datasets.sources.masks import as_bytes


def read_labels(path: str) -> np.ndarray:
    """(H, W) uint8 labels of a ``cls`` file: 0 background, 1..20 classes.

    Raises:
        UnreadableImageError: If the file is broken.
    """
    return _segmentation(path, 'GTcls')


def read_instances(path: str) -> np.ndarray:
    """(H, W) uint8 numbers of the objects of an ``inst`` file: 0 background, 1.. objects.

    Raises:
        UnreadableImageError: If the file is broken.
    """
    return _segmentation(path, 'GTinst')


def _segmentation(path: str, struct: str) -> np.ndarray:
    with decoding(path):
        labels = loadmat(path)[struct]['Segmentation'][0, 0]
        if labels.ndim != 2 or labels.dtype.kind not in 'uif':
            raise ValueError(f'labels of the shape {labels.shape} and type {labels.dtype}')
        return as_bytes(labels, struct)
