"""From transformed images to the item of a data set.

N ways, K shots, Q queries.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.datasets.episode_sampler import EpisodeIndex
from mmfewshot_seg.structures import Episode
from mmfewshot_seg.structures.labels import IGNORED


def pack_episode(
    support: Sequence[Sequence[dict]],
    query: Sequence[dict],
    index: EpisodeIndex,
    class_names: Sequence[str],
    eval_at: str = 'network',
) -> dict:
    """Stack the images of an episode; unlike sizes are padded at the bottom and right.

    Within an episode images are padded with raw black, as ASGNet's evaluation does, so their
    padding is not 0 after normalisation. The preprocessor of the model pads the episodes of a
    batch to one size after normalisation, with ``pad_val``. A ``Pad`` in the pipeline settles both.

    Args:
        support: N lists of K results of the support pipeline, each with ``img`` (H, W, 3) uint8,
            ``gt_seg_map`` (H, W), ``ori_shape`` and ``img_path``, and optionally ``seeds`` (S, 2).
        query: Q results of the query pipeline.
        index: Number and classes of the episode.
        class_names: Names of all classes of the data set.
        eval_at: Resolution of the query labels, see :class:`Episode`.

    Returns:
        ``inputs``: ``query`` (Q, 3, H, W), ``support`` (N, K, 3, H', W') and ``support_masks``
        (N, K, H', W'), uint8, and ``support_seeds`` (N, K, S, 2) int64 if the supports have
        ``seeds``, None if some of these supports were padded, which moves the features under
        their seeds; ``data_samples``: an :class:`Episode`.

    Raises:
        ValueError: If an image is not (H, W, 3) uint8, or a label is not of the size it is used at.
    """
    shots = [results for way in support for results in way]
    for results in (*shots, *query):
        image = results['img']
        if image.dtype != np.uint8 or image.ndim != 3:
            raise ValueError(
                f'{results["img_path"]}: the pipeline gives a {image.dtype} image of shape '
                f'{image.shape}, expected (H, W, 3) uint8. Normalisation belongs to the data '
                'preprocessor of the model: leave it out of the pipeline'
            )
    for results in shots:
        _check_label(results, results['img'].shape[:2], 'support')
    img_shapes = tuple(tuple(results['img'].shape[:2]) for results in query)
    eval_shapes = tuple(_eval_shape(results, eval_at) for results in query)

    grid = (len(support), len(support[0]))
    images = _stack([results['img'].transpose(2, 0, 1) for results in shots], 0)
    masks = _stack([results['gt_seg_map'] for results in shots], IGNORED)
    inputs: dict[str, Tensor | None] = {
        'query': _stack([results['img'].transpose(2, 0, 1) for results in query], 0),
        'support': images.reshape(*grid, *images.shape[1:]),
        'support_masks': masks.reshape(*grid, *masks.shape[1:]),
    }
    if all('seeds' in results for results in shots):
        inputs['support_seeds'] = None
        if len({results['img'].shape for results in shots}) == 1:
            seeds = np.stack([results['seeds'] for results in shots])
            inputs['support_seeds'] = torch.from_numpy(seeds.reshape(*grid, *seeds.shape[1:]))
    episode = Episode(
        metainfo={
            'index': index.index,
            'run': index.run,
            'class_ids': index.class_ids,
            'class_names': tuple(class_names[class_id] for class_id in index.class_ids),
            'support_paths': tuple(tuple(r['img_path'] for r in way) for way in support),
            'query_paths': tuple(results['img_path'] for results in query),
            'img_shapes': img_shapes,
            'eval_shapes': eval_shapes,
        },
        query_masks=_stack([results['gt_seg_map'] for results in query], IGNORED).long(),
    )
    return {'inputs': inputs, 'data_samples': episode}


def _eval_shape(results: dict, eval_at: str) -> tuple[int, int]:
    """(h, w) of ``eval_shapes``, see :class:`Episode`."""
    img_shape, ori_shape = results['img'].shape[:2], results['ori_shape']
    if eval_at == 'network':
        _check_label(results, img_shape, 'query')
        return tuple(img_shape)
    _check_label(results, ori_shape, 'query', eval_at)
    if eval_at == 'original':
        return tuple(ori_shape)
    if img_shape[0] != img_shape[1]:
        raise ValueError(
            f"{results['img_path']}: eval_at='padded' needs square query images, got {img_shape}. "
            "End the image part of the query pipeline with dict(type='Pad', size=(S, S)), or set "
            "protocol=dict(name=..., eval_at='original')"
        )
    return (max(ori_shape),) * 2


def _check_label(
    results: dict, expected: tuple[int, int], role: str, eval_at: str = 'network'
) -> None:
    shape = results['gt_seg_map'].shape
    if tuple(shape) == tuple(expected):
        return
    if eval_at == 'network':
        place = 'before the transforms that resize, pad or crop'
    else:
        place = f'last in the query pipeline of a test, as eval_at={eval_at!r} requires'
    raise ValueError(
        f'{results["img_path"]}: the label of this {role} has the size {tuple(shape)} where '
        f"{tuple(expected)} is needed: put 'mmfewshot_seg.LoadEpisodeMask' {place}"
    )


def _stack(arrays: Sequence[np.ndarray], fill: int) -> Tensor:
    """(n, ..., H, W) uint8 from n arrays (..., h, w), filled up at the bottom and right."""
    height, width = (max(array.shape[axis] for array in arrays) for axis in (-2, -1))
    stacked = np.full((len(arrays), *arrays[0].shape[:-2], height, width), fill, np.uint8)
    for place, array in zip(stacked, arrays, strict=True):
        place[..., : array.shape[-2], : array.shape[-1]] = array
    return torch.from_numpy(stacked)
