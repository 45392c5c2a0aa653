"""What cheaper annotations of a support cost: masks, boxes and clicks on the same images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage
from mmfewshot_seg.annotations.mask_folders import read_class_folders
from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.datasets.sources.image_files import image_shape
from mmfewshot_seg.structures.labels import IGNORED

Form = Callable[[np.ndarray, np.random.Generator], Mapping | np.ndarray]


def clicks(number: int) -> Form:
    """Form of so many clicks on the object and as many off it, each at a pixel drawn by chance."""

    def annotate(label: np.ndarray, rng: np.random.Generator) -> Mapping:
        points = {}
        for name, value in (('points', 1), ('background_points', 0)):
            rows, columns = np.nonzero(label == value)
            chosen = rng.choice(len(rows), min(number, len(rows)), replace=False)
            points[name] = np.stack([columns[chosen], rows[chosen]], 1) + 0.5
        return points

    return annotate


def box(label: np.ndarray, rng: np.random.Generator) -> Mapping:
    """Form of the box around all of the class."""
    rows, columns = np.nonzero(label == 1)
    return dict(boxes=(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))


def compare_forms(
    inferencer: FewShotInferencer,
    data_root: str | Path,
    class_names: Sequence[str],
    forms: Mapping[str, Form],
    shots: int = 1,
    queries: int = 2,
    tracked: Callable[[Sequence[str]], Iterable[str]] = lambda names: names,
) -> dict[str, float]:
    """Mean over classes of the IoU that supports of each form give.

    Of each class the first images are supports, the next ones queries, whose intersections and
    unions are summed.

    Args:
        inferencer: What segments.
        data_root: Folder of class folders.
        class_names: Classes to look at, one at a time.
        forms: What makes an annotation of a label map and a generator of random numbers.
        shots: Supports of a class.
        queries: Queries of a class.
        tracked: Shows progress.

    Raises:
        ValueError: If a class is not there or has too few images.
    """
    annotations = read_class_folders(Path(data_root))
    ious: dict[str, list[float]] = {form: [] for form in forms}
    for name in tracked(annotations.check_names(class_names)):
        images = annotations.of_class(name)[: shots + queries]
        if len(images) < shots + queries:
            raise ValueError(f'{name!r} has {len(images)} images, {shots + queries} are needed')
        labels = [image.label(name, image_shape(image.path)) for image in images]
        for form, annotate in forms.items():
            rng = np.random.default_rng(0)  # the same for every class and form
            masks = [annotate(label, rng) for label in labels[:shots]]
            state = inferencer.fit_support([i.path for i in images[:shots]], masks, [name] * shots)
            ious[form].append(_iou(inferencer, state, images[shots:], labels[shots:]))
    return {form: float(np.mean(values)) for form, values in ious.items()}


def _iou(
    inferencer: FewShotInferencer,
    state,
    images: Sequence[AnnotatedImage],
    labels: Sequence[np.ndarray],
) -> float:
    found = inferencer([image.path for image in images], support=state)['predictions']
    intersection = union = 0
    for prediction, label in zip(found, labels, strict=True):
        seen = label != IGNORED
        is_found, is_there = prediction['label_map'][seen] == 1, label[seen] == 1
        intersection += np.count_nonzero(is_found & is_there)
        union += np.count_nonzero(is_found | is_there)
    return intersection / max(union, 1)
