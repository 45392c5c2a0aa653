"""One episode as one picture: supports, queries, predictions, truth.

Shape letters: ``N`` ways, ``K`` shots, ``Q`` queries, ``H W`` image size.
"""

import re
from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
from mmengine.visualization import Visualizer
from torch import Tensor

from mmfewshot_seg.evaluation.fewshot_iou import episode_counts, iou
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.registry import VISUALIZERS, register
from mmfewshot_seg.structures import Episode
from mmfewshot_seg.visualization.overlay import overlay_prototypes
from mmfewshot_seg.visualization.text import legible
from mmfewshot_seg.visualization.tiles import stack, tile


@register(VISUALIZERS, host='mmseg')
class EpisodeVisualizer(Visualizer):
    """Draws episodes; needs no display.

    A 1-way 1-shot episode is one row: support, query, prediction, truth. Otherwise each way has
    a row of its shots, and each query a row of its own.

    Where the head shows its prototypes, the clusters of each support stand beside it, and between
    query and prediction, per way, which prototype the query was compared with. A prototype has
    the same colour in both.
    """

    def add_datasample(
        self,
        name: str,
        image: dict,
        data_sample: Episode,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        step: int = 0,
    ) -> None:
        """Draw an episode, and show it, write it to ``out_file`` or give it to the backends.

        Args:
            name: Name of the picture in the backends.
            image: Inputs of the episode as the data set gives them: ``query`` (Q, 3, H, W),
                ``support`` (N, K, 3, H', W') uint8 BGR and ``support_masks`` (N, K, H', W').
            data_sample: The episode, with ``query_masks`` and, if predicted, ``pred_masks``,
                ``support_clusters`` and ``guides``.
            draw_gt: Whether to draw the truth.
            draw_pred: Whether to draw what was predicted.
            show: Whether to open a window.
            wait_time: Seconds the window stays open, 0 for ever.
            out_file: Path of the picture.
            step: Step of the training, for the backends.
        """
        picture = episode_picture(image, data_sample, draw_gt, draw_pred)
        self.set_image(picture)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(picture[..., ::-1], out_file, backend_args=WHOLE)
        elif not show:
            self.add_image(name, picture, step)


def episode_picture(
    inputs: dict, episode: Episode, draw_gt: bool = True, draw_pred: bool = True
) -> np.ndarray:
    """(H, W, 3) uint8 RGB picture; arguments as of :meth:`EpisodeVisualizer.add_datasample`."""
    supports = _support_tiles(inputs, episode, draw_pred)
    queries = _query_tiles(inputs['query'], episode, draw_gt, draw_pred)
    if inputs['support'].shape[:2] == (1, 1):
        return stack([supports[0] + queries[0], *queries[1:]])
    return stack([*supports, *queries])


def episode_name(mode: str, episode: Episode) -> str:
    """Name of a picture: ``mode``, number and classes of the episode, fit for a file."""
    classes = re.sub(r'[^\w.-]+', '-', '_'.join(episode.class_names))
    return f'{mode}_{episode.run}_{episode.index:05d}_{classes}'


def _support_tiles(inputs: dict, episode: Episode, draw_pred: bool) -> list[list[np.ndarray]]:
    """A row per way: its K shots, each with the clusters of its prototypes beside it."""
    clusters = getattr(episode, 'support_clusters', None) if draw_pred else None
    rows = []
    for way, name in enumerate(legible(episode.class_names)):
        row = []
        for shot, image in enumerate(map(_rgb, inputs['support'][way])):
            mask = inputs['support_masks'][way, shot].numpy()
            row.append(tile(image, f'support: {name}', mask))
            if clusters is not None:
                height, width = image.shape[:2]  # without what the batch was padded by
                numbers = clusters[way, shot, :height, :width].cpu().numpy()
                count = len(np.unique(numbers[numbers > 0]))
                row.append(tile(image, f'clusters: {name} ({count})', numbers, overlay_prototypes))
        rows.append(row)
    return rows


def _query_tiles(
    queries: Tensor, episode: Episode, draw_gt: bool, draw_pred: bool
) -> list[list[np.ndarray]]:
    """A row per query: the image, the prototypes it met, the prediction, the truth."""
    predictions = getattr(episode, 'pred_masks', None) if draw_pred else None
    guides = getattr(episode, 'guides', None) if draw_pred else None
    rows = []
    for i, (query, truth) in enumerate(zip(queries, episode.query_masks.cpu(), strict=True)):
        image = _view(_rgb(query), episode, i, truth.shape)
        seen = np.s_[: image.shape[0], : image.shape[1]]
        truth = truth.numpy()[seen]
        row = [tile(image, 'query')]
        if guides is not None:
            names = legible(episode.class_names)
            for name, guide in zip(names, guides[i].cpu().numpy(), strict=True):
                row.append(tile(image, f'allocation: {name}', guide[seen], overlay_prototypes))
        if predictions is not None:
            prediction = predictions[i].cpu().numpy()[seen]
            figures = iou(episode_counts(prediction, truth, len(episode.class_ids))[1:])
            caption = 'prediction: IoU ' + ' '.join(f'{f:.2f}' for f in figures if f == f)
            row.append(tile(image, caption, prediction))
        if draw_gt:
            row.append(tile(image, 'truth', truth))
        rows.append(row)
    return rows


def _view(image: np.ndarray, episode: Episode, i: int, canvas: Sequence[int]) -> np.ndarray:
    """Query ``i`` (H, W, 3) as its label shows it: without padding, at the label's resolution."""
    height, width = episode.get('img_shapes', {i: image.shape[:2]})[i]
    eval_height, eval_width = episode.get('eval_shapes', {i: canvas})[i]
    image = cv2.resize(image[:height, :width], (eval_width, eval_height))
    return image[: canvas[0], : canvas[1]]


def _rgb(image: Tensor) -> np.ndarray:
    """(3, H, W) BGR tensor as (H, W, 3) RGB array."""
    return np.ascontiguousarray(image.numpy()[::-1].transpose(1, 2, 0))
