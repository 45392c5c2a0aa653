"""Predictions of few-shot segmentation, as users get them: arrays, instances, pictures."""

import numpy as np
from mmseg.structures import SegDataSample

from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import Instance, find_instances
from mmfewshot_seg.visualization.overlay import overlay
from mmfewshot_seg.visualization.region_names import write_names


def as_prediction(sample: SegDataSample) -> dict:
    """Plain arrays of a prediction.

    Returns:
        ``label_map`` (H, W) uint8, 0 background and n the n-th class; ``scores`` (1+N, H, W)
        float32 that add up to 1; ``presence`` (N,) float32, how sure it is that each is shown;
        ``instances``, if the sample has them.
    """
    prediction = dict(
        label_map=label_map(sample),
        scores=sample.seg_logits.data.softmax(0).numpy(),
        presence=sample.presence.numpy(),
    )
    if 'instances' in sample:
        prediction['instances'] = sample.instances
    return prediction


def label_map(sample: SegDataSample) -> np.ndarray:
    """(H, W) uint8, 0 background and n the n-th class."""
    return sample.pred_sem_seg.data[0].numpy().astype(np.uint8)


def instances_of(sample: SegDataSample, min_area: int = 1) -> list[Instance]:
    """Instances of a prediction, see :func:`find_instances`."""
    return find_instances(label_map(sample), certainty(sample), sample.class_names, min_area)


def certainty(sample: SegDataSample) -> np.ndarray:
    """(H, W) float32, at each pixel the probability of the class that was chosen for it."""
    logits, labels = sample.seg_logits.data, sample.pred_sem_seg.data
    return (logits.gather(0, labels.long()) - logits.logsumexp(0, keepdim=True)).exp()[0].numpy()


def as_result(sample: SegDataSample) -> ImageResult:
    """A prediction that has ``instances``, as writers of files take it."""
    size = tuple(sample.ori_shape)
    return ImageResult(sample.name, sample.img_path, size, sample.class_names, sample.instances)


def draw_prediction(image: np.ndarray, sample: SegDataSample, with_labels: bool) -> np.ndarray:
    """(H, W, 3) uint8 RGB picture of a prediction.

    Args:
        image: (H, W, 3) uint8 BGR.
        sample: What was predicted in it.
        with_labels: Whether class names are written.
    """
    labels = label_map(sample)
    picture = overlay(np.ascontiguousarray(image[..., ::-1]), labels)
    return write_names(picture, labels, sample.class_names) if with_labels else picture
