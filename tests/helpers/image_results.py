"""Results of an image, drawn."""

import cv2
import numpy as np

from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import find_instances

NAMES = ('ring', 'disc', 'nothing')


def draw_labels() -> np.ndarray:
    """(60, 80) uint8: a ring (1), a disc (2) in its hole, and another disc."""
    labels = np.zeros((60, 80), np.uint8)
    cv2.circle(labels, (30, 30), 24, 1, -1)
    cv2.circle(labels, (30, 30), 14, 0, -1)
    cv2.circle(labels, (30, 30), 9, 2, -1)
    cv2.circle(labels, (66, 20), 7, 2, -1)
    return labels


def image_result(labels: np.ndarray, name: str = 'a', path: str | None = None) -> ImageResult:
    """All that is in a label map, with a score of 0.75."""
    instances = find_instances(labels, np.full(labels.shape, 0.75), NAMES)
    return ImageResult(name, path, labels.shape, NAMES, instances)
