"""Class names and fold tables of the few-shot benchmarks.

A fold is a tuple of class names that are novel: training leaves them out, the test asks for them.
COCO-20i has two tables that are two benchmarks: ``contiguous`` (PANet; fold i holds categories
20i+1..20i+20) and ``interleaved`` (PFENet, ASGNet, HSNet; fold i holds i+1, i+5, ..., i+77).
"""

from collections.abc import Mapping, Sequence

from mmfewshot_seg.did_you_mean import did_you_mean

FoldTables = Mapping[str, tuple[tuple[str, ...], ...]]

VOC_CLASSES = (
    'aeroplane', 'bicycle', 'bird', 'boat', 'bottle',
    'bus', 'car', 'cat', 'chair', 'cow',
    'diningtable', 'dog', 'horse', 'motorbike', 'person',
    'pottedplant', 'sheep', 'sofa', 'train', 'tvmonitor',
)  # fmt: skip

COCO_CLASSES = (
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat',
    'traffic light', 'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog',
    'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella',
    'handbag', 'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports ball', 'kite',
    'baseball bat', 'baseball glove', 'skateboard', 'surfboard', 'tennis racket', 'bottle',
    'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple', 'sandwich',
    'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch',
    'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote',
    'keyboard', 'cell phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book',
    'clock', 'vase', 'scissors', 'teddy bear', 'hair drier', 'toothbrush',
)  # fmt: skip

PASCAL_5I: FoldTables = {
    'contiguous': tuple(VOC_CLASSES[5 * fold : 5 * fold + 5] for fold in range(4)),
}
COCO_20I: FoldTables = {
    'contiguous': tuple(COCO_CLASSES[20 * fold : 20 * fold + 20] for fold in range(4)),
    'interleaved': tuple(COCO_CLASSES[fold::4] for fold in range(4)),
}


def resolve_classes(names: Sequence[str], known: Sequence[str]) -> tuple[int, ...]:
    """Class ids of ``names``, their indices in ``known``, in the order given.

    Raises:
        ValueError: If a name is unknown or given twice, or if there is none.

    Examples:
        >>> resolve_classes(['cat', 'bird'], VOC_CLASSES)
        (7, 2)
    """
    if isinstance(names, str):
        raise ValueError(f'expected a list of class names, got the string {names!r}')
    if not names:
        raise ValueError('the list of class names is empty')
    ids = {name: class_id for class_id, name in enumerate(known)}
    unknown = [_with_nearest(name, known) for name in names if name not in ids]
    if unknown:
        raise ValueError(f'unknown class: {", ".join(unknown)}')
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f'class given twice: {", ".join(map(repr, twice))}')
    return tuple(ids[name] for name in names)


def _with_nearest(name: str, known: Sequence[str]) -> str:
    shown = ', '.join(known[:10]) + (', ...' if len(known) > 10 else '')
    hint = did_you_mean(name, known) or f' (the {len(known)} classes are: {shown})'
    return f'{name!r}{hint}'
