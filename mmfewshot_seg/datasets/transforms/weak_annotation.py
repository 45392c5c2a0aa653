"""Cheaper annotations of a support than its mask: a bounding box, or scribbles.

Label values: 0 background, 255 unannotated, anything else the way of the support.
"""

import numpy as np
from mmcv.transforms import BaseTransform
from scipy.ndimage import binary_dilation

from mmfewshot_seg.registry import TRANSFORMS, register
from mmfewshot_seg.structures.labels import IGNORED


def bounding_box_annotation(foreground: np.ndarray, instance_map: np.ndarray) -> np.ndarray:
    """Annotate one object of a class by its box, as PANet does.

    Args:
        foreground: (H, W) bool or 0/1, where the class is.
        instance_map: (H, W) integers, 0 no instance; instances count within ``foreground``.

    Returns:
        (H, W) uint8: 1 in the box of the instance with the largest area (the first such one), 255
        in the boxes of the others, 0 outside. All 0 if there is no instance.
    """
    instances = np.where(foreground, instance_map, 0)
    numbers, areas = np.unique(instances[instances > 0], return_counts=True)
    label = np.zeros(instances.shape, np.uint8)
    if not len(numbers):
        return label
    boxes = {number: _box(instances == number) for number in numbers}
    for box in boxes.values():
        label[box] = IGNORED
    label[boxes[numbers[np.argmax(areas)]]] = 1
    return label


def scribble_annotation(
    foreground: np.ndarray, scribble_map: np.ndarray, dilation: int = 0
) -> np.ndarray:
    """Annotate one object of a class by its scribble, drawn with NumPy's global generator.

    Args:
        foreground: (H, W) bool or 0/1, where the class is.
        scribble_map: (H, W) integers: 0 scribbled background, 255 no scribble, other values the
            scribbled instances.
        dilation: Steps by which scribbles are widened, crosswise; foreground wins over background.

    Returns:
        (H, W) uint8: 1 on the scribble of an instance of the class, 0 on scribbled background, 255
        elsewhere. No 1 if no instance of the class has a scribble.
    """
    background = scribble_map == 0
    scribbled = np.where(foreground, scribble_map, 0)
    numbers = np.setdiff1d(scribbled, [0, IGNORED])
    chosen = np.zeros(background.shape, bool)
    if len(numbers):
        chosen = scribbled == np.random.choice(numbers)
    if dilation:
        chosen, background = (
            binary_dilation(mask, iterations=dilation) for mask in (chosen, background)
        )
    label = np.full(background.shape, IGNORED, np.uint8)
    label[background] = 0
    label[chosen] = 1
    return label


def _box(mask: np.ndarray) -> tuple[slice, slice]:
    """Smallest rectangle around a mask that is not empty."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


class _WeakAnnotation(BaseTransform):
    """Replace the label of a support by a weak annotation of its way.

    Stands in the support pipeline, directly after ``LoadEpisodeMask``. Other ways in the image
    lose their label.

    Raises:
        ValueError: If the image is a query, or the label was not loaded or has another size than
            the annotation of the source.
    """

    def transform(self, results: dict) -> dict:
        """Rewrite ``gt_seg_map``."""
        name = type(self).__name__
        if results['role'] != 'support':
            raise ValueError(f'{name} is for support_pipeline; queries keep their full labels')
        if 'gt_seg_map' not in results:
            raise ValueError(f"{name} must stand after 'mmfewshot_seg.LoadEpisodeMask'")
        label, way = results['gt_seg_map'], results['way']
        source_map = self.source_map(results, results['class_ids'][way - 1])
        if label.shape != source_map.shape:
            raise ValueError(
                f'{results["img_path"]}: the label has the size {label.shape}, the annotation of '
                f'{name} {source_map.shape}; put {name} directly after LoadEpisodeMask'
            )
        weak = self.annotate(label == way, source_map)
        results['gt_seg_map'] = np.where(weak == 1, way, weak).astype(label.dtype)
        return results


@register(TRANSFORMS, host='mmseg')
class BoundingBoxAnnotation(_WeakAnnotation):
    """Supports annotated by the box of their largest object, see ``bounding_box_annotation``."""

    def source_map(self, results: dict, class_id: int) -> np.ndarray:
        """Instances of the class, (H, W)."""
        return results['source'].instance_map(results['image'], class_id)

    annotate = staticmethod(bounding_box_annotation)

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@register(TRANSFORMS, host='mmseg')
class ScribbleAnnotation(_WeakAnnotation):
    """Supports annotated by the scribble of one object, see ``scribble_annotation``.

    Args:
        dilation: Steps by which scribbles are widened.
    """

    def __init__(self, dilation: int = 0) -> None:
        if dilation < 0:
            raise ValueError(f'dilation must not be negative, got {dilation}')
        self.dilation = dilation

    def source_map(self, results: dict, class_id: int) -> np.ndarray:
        """Scribbles of the image, (H, W)."""
        return results['source'].scribble_map(results['image'])

    def annotate(self, foreground: np.ndarray, scribble_map: np.ndarray) -> np.ndarray:
        """Label with 1 for the class."""
        return scribble_annotation(foreground, scribble_map, self.dilation)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(dilation={self.dilation})'
