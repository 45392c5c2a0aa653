"""Predictions of few-shot segmentation, as users get them: arrays, files, pictures."""

from pathlib import Path

import numpy as np
from mmseg.structures import SegDataSample

from mmfewshot_seg.files.whole_file import whole_file
from mmfewshot_seg.visualization.overlay import overlay, save_label_map
from mmfewshot_seg.visualization.region_names import write_names


def as_prediction(sample: SegDataSample) -> dict[str, np.ndarray]:
    """Plain arrays of a prediction.

    Returns:
        ``label_map`` (H, W) uint8, 0 background and n the n-th class; ``scores`` (1+N, H, W)
        float32 that add up to 1; ``presence`` (N,) float32, how sure it is that each is shown.
    """
    return dict(
        label_map=label_map(sample),
        scores=sample.seg_logits.data.softmax(0).numpy(),
        presence=sample.presence.numpy(),
    )


def label_map(sample: SegDataSample) -> np.ndarray:
    """(H, W) uint8, 0 background and n the n-th class."""
    return sample.pred_sem_seg.data[0].numpy().astype(np.uint8)


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


def write_prediction(
    prediction: dict[str, np.ndarray], folder: Path, name: str, save_scores: bool
) -> None:
    """Write ``<name>.png``, a label map with a palette, and with ``save_scores`` ``<name>.npy``."""
    folder.mkdir(parents=True, exist_ok=True)
    save_label_map(folder / f'{name}.png', prediction['label_map'])
    if save_scores:
        with whole_file(folder / f'{name}.npy') as file:
            np.save(file, prediction['scores'])
