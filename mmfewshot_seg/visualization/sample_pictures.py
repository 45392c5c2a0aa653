"""What a network is trained on, as one picture: image, boxes, masks, classes, edges.

Works on packed samples of MMDetection and of MMSegmentation, and imports neither.
"""

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.visualization.overlay import COLOURS, PROTOTYPE_COLOURS, overlay
from mmfewshot_seg.visualization.region_names import write_names
from mmfewshot_seg.visualization.tiles import stack, tile

SIDE = 480  # longer side of a picture
MOST_OBJECTS = IGNORED - 1  # that one label map tells apart
IGNORED_LINE = 160
Colours = Sequence[Sequence[int]]  # RGB


def sample_picture(
    inputs: Tensor,
    sample: BaseDataElement,
    classes: Sequence[str],
    palette: Colours | None = None,
    box_frame: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draw what ``sample`` says of an image.

    Boxes and masks of objects, in the colour of their class, the ignored ones (crowds) in grey; the
    classes of pixels, ignored ones hatched; edges.

    Args:
        inputs: (3, H, W) BGR of any type, values 0..255.
        sample: Packed annotations: ``gt_instances``, ``ignored_instances``, ``gt_sem_seg`` and
            ``gt_edge_map`` are drawn, those that are there.
        classes: Names by label.
        palette: RGB by label of pixels.
        box_frame: (H, W) of the image that boxes are measured in, if it is not ``inputs``.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        ValueError: If the classes of pixels are not one value per pixel.
    """
    pixels = inputs.float().clamp(0, 255).byte().numpy()[::-1]
    image = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    height, width = image.shape[:2]
    row = [_tile(image, f'image, {width} x {height}')]
    if 'gt_instances' in sample:
        row += _object_tiles(image, sample, classes, box_frame or (height, width))
    if 'gt_sem_seg' in sample:
        row.append(_class_tile(image, _labels(sample), classes, palette))
    if 'gt_edge_map' in sample:
        edges = sample.gt_edge_map.data[0].numpy()
        share = (edges == 1).mean()
        row.append(_tile(image, f'edges: {share:.1%} of the pixels', edges, _paint_edges))
    if len(row) == 1:
        row[0] = _tile(image, f'image, {width} x {height}; the pipeline loads no annotations')
    return stack([row])


def _object_tiles(
    image: np.ndarray,
    sample: BaseDataElement,
    classes: Sequence[str],
    box_frame: tuple[int, int],
) -> list[np.ndarray]:
    """Boxes and, if there are any, masks; small objects lie on large ones."""
    found, ignored = sample.gt_instances, sample.get('ignored_instances', [])
    order = _largest_first(found)
    labels = found.labels.tolist()
    drawn = [labels[i] for i in order]
    names = [_name(classes, label) for label in drawn]
    ranks = {label: rank for rank, label in enumerate(dict.fromkeys(drawn))}
    colours = [PROTOTYPE_COLOURS[ranks[label] % len(PROTOTYPE_COLOURS)] for label in drawn]
    caption = f'objects: {len(labels)}, classes: {len(set(labels))}'
    if len(order) < len(labels):
        caption += f', drawn: the {len(order)} largest'
    if len(ignored):
        caption += f', ignored: {len(ignored)}'
    layers: list[tuple] = [(found, order, range(1, len(order) + 1))]
    if len(ignored):
        layers.insert(0, (ignored, _largest_first(ignored), [IGNORED] * len(ignored)))
    frame = (found.masks.height, found.masks.width) if 'masks' in found else box_frame
    boxes = _label_map(layers, frame, _draw_box)
    tiles = [_tile(image, f'boxes ({caption})', boxes, partial(_paint_lines, colours, names))]
    if 'masks' in found:
        masks = _label_map(layers, frame, _draw_mask)
        tiles.append(_tile(image, 'masks', masks, partial(_paint_regions, colours, names)))
    return tiles


def _largest_first(instances: InstanceData) -> list[int]:
    x1, y1, x2, y2 = _boxes(instances).T
    return np.argsort(-(x2 - x1) * (y2 - y1), kind='stable')[:MOST_OBJECTS].tolist()


def _boxes(instances: InstanceData) -> np.ndarray:
    """(number of objects, 4) corners."""
    return getattr(instances.bboxes, 'tensor', instances.bboxes).numpy()


def _label_map(layers: Sequence[tuple], frame: tuple[int, int], draw: Callable) -> np.ndarray:
    """(H, W) uint8 numbers of the objects that ``draw`` leaves visible."""
    numbers = np.zeros(frame, np.uint8)
    for instances, order, own_numbers in layers:
        for i, number in zip(order, own_numbers, strict=False):
            draw(numbers, instances, i, number)
    return numbers


def _draw_box(numbers: np.ndarray, instances: InstanceData, i: int, number: int) -> None:
    x1, y1, x2, y2 = _boxes(instances)[i].round().astype(int).tolist()
    thickness = max(round(max(numbers.shape) * 2 / SIDE), 1)
    cv2.rectangle(numbers, (x1, y1), (x2, y2), number, thickness)


def _draw_mask(numbers: np.ndarray, instances: InstanceData, i: int, number: int) -> None:
    numbers[instances.masks[[i]].to_ndarray()[0] > 0] = number


def _paint_lines(
    colours: Colours, names: Sequence[str], picture: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    table = np.full((IGNORED + 1, 3), IGNORED_LINE, np.uint8)
    table[1 : len(colours) + 1] = np.reshape(colours, (-1, 3))
    painted = np.where(numbers[..., None] > 0, table[numbers], picture)
    return _write_each_once(painted, numbers, names)


def _paint_regions(
    colours: Colours, names: Sequence[str], picture: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    return _write_each_once(overlay(picture, numbers, colours or COLOURS), numbers, names)


def _write_each_once(picture: np.ndarray, numbers: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """A name is written in the first object that bears it and is visible; colours tell the rest."""
    first: dict[str, int] = {}
    visible = set(np.unique(numbers).tolist())
    for number, name in enumerate(names, start=1):
        if number in visible:
            first.setdefault(name, number)
    written = [
        name if first.get(name) == number else '' for number, name in enumerate(names, start=1)
    ]
    return write_names(picture, numbers, written)


def _labels(sample: BaseDataElement) -> np.ndarray:
    """(H, W) classes of pixels."""
    data = sample.gt_sem_seg.data
    if data.ndim != 3 or len(data) != 1:
        raise ValueError(
            f'labels of {sample.metainfo.get("seg_map_path", "an image")} have the shape '
            f'{tuple(data.shape)}, expected (1, H, W): label files in colours are to be loaded by '
            'mmfewshot_seg.LoadLabels with a palette'
        )
    return data[0].numpy()


def _class_tile(
    image: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    palette: Colours | None,
) -> np.ndarray:
    """Labels by class; label 0 is a class as any other."""
    shown = np.unique(labels[labels != IGNORED])
    names = [_name(classes, label) for label in range(IGNORED)]
    colours = PROTOTYPE_COLOURS if palette is None else palette

    def paint(picture: np.ndarray, shifted: np.ndarray) -> np.ndarray:
        return write_names(overlay(picture, shifted, colours), shifted, names)

    caption = f'classes: {len(shown)}'
    if ignored := (labels == IGNORED).mean():
        caption += f', ignored: {ignored:.1%}'
    return _tile(image, caption, np.where(labels == IGNORED, IGNORED, labels + 1), paint)


def _tile(
    image: np.ndarray,
    caption: str,
    labels: np.ndarray | None = None,
    paint: Callable[[np.ndarray, np.ndarray], np.ndarray] = overlay,
) -> np.ndarray:
    scale = SIDE / max(image.shape)
    height, width = image.shape[:2]
    return tile(image, caption, labels, paint, (round(height * scale), round(width * scale)))


def _name(classes: Sequence[str], label: int) -> str:
    return classes[label] if label < len(classes) else f'undeclared {label}'


def _paint_edges(picture: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Over the darkened image; what is ignored is grey."""
    painted = picture // 3
    painted[edges == 1] = COLOURS[0]
    painted[edges == IGNORED] = 128
    return painted
