"""Pictures of episodes: what is where, at which size."""

import cv2
import numpy as np
import pytest
import torch

from mmfewshot_seg.structures import Episode
from mmfewshot_seg.visualization import EpisodeVisualizer
from mmfewshot_seg.visualization.episode_visualizer import (
    CAPTION,
    COLOURS,
    GAP,
    TILE,
    overlay,
)


def _episode(ways=1, shots=1, queries=1, label_size=(20, 30)):
    support = torch.zeros(ways, shots, 3, 20, 30, dtype=torch.uint8)
    inputs = dict(
        support=support,
        support_masks=torch.ones(ways, shots, 20, 30, dtype=torch.uint8),
        query=torch.zeros(queries, 3, 20, 30, dtype=torch.uint8),
    )
    inputs['query'][:, 0] = 200  # blue, in BGR
    names = tuple(f'class {way}' for way in range(ways))
    episode = Episode(
        metainfo=dict(class_names=names, class_ids=tuple(range(ways)), run=0, index=0),
        query_masks=torch.zeros(queries, *label_size).long(),
    )
    return inputs, episode


def _draw(tmp_path, inputs, episode, **kwargs) -> np.ndarray:
    path = tmp_path / 'out' / 'episode.png'
    EpisodeVisualizer().add_datasample('episode', inputs, episode, out_file=str(path), **kwargs)
    return cv2.imread(str(path))


@pytest.mark.parametrize(
    ('shape', 'rows', 'columns'),
    [((1, 1, 1), 1, 4), ((1, 1, 2), 2, 4), ((1, 5, 1), 2, 5), ((2, 1, 1), 3, 3)],
)
def test_layout(shape, rows, columns, tmp_path) -> None:
    inputs, episode = _episode(*shape)
    episode.pred_masks = torch.zeros_like(episode.query_masks)
    picture = _draw(tmp_path, inputs, episode)
    assert picture.shape == (rows * (TILE + CAPTION + GAP), columns * (TILE + GAP), 3)


def test_query_keeps_its_colour_and_prediction_can_be_missing(tmp_path) -> None:
    picture = _draw(tmp_path, *_episode())
    assert picture.shape[1] == 3 * (TILE + GAP)
    assert picture[20, TILE + GAP + 20].tolist() == [200, 0, 0]


def test_label_at_another_resolution_covers_the_image(tmp_path) -> None:
    inputs, episode = _episode(label_size=(40, 60))
    episode.query_masks[:, :20] = 1
    episode.pred_masks = episode.query_masks.clone()
    picture = _draw(tmp_path, inputs, episode)
    truth = picture[:, 3 * (TILE + GAP) :]
    top, bottom = truth[20, 100], truth[TILE * 2 // 3 - 20, 100]
    assert bottom.tolist() == [200, 0, 0]
    assert top.tolist() != bottom.tolist()


def test_padding_of_the_query_is_not_drawn(tmp_path) -> None:
    """A padded query, its label at the original size: evaluated on the square, then cut."""
    inputs, episode = _episode(label_size=(20, 60))
    inputs['query'] = torch.zeros(1, 3, 30, 30, dtype=torch.uint8)
    inputs['query'][:, 0, :10] = 200
    episode.set_metainfo(dict(img_shapes=((30, 30),), eval_shapes=((60, 60),)))
    picture = _draw(tmp_path, inputs, episode)
    query, truth = picture[:, TILE + GAP : 2 * TILE + GAP], picture[:, 2 * (TILE + GAP) :]
    image, below = query[: TILE // 3 - 10], query[TILE // 3 + 1 : TILE]
    assert (image == (200, 0, 0)).all() and (below == 255).all()
    assert (truth[: TILE // 3 - 10, :TILE] == (200, 0, 0)).all()


def test_overlay_paints_ways_and_hatches_ignored_pixels() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 10:20], labels[:, 30:] = 2, 255
    painted = overlay(image, labels)
    assert (painted[:, :8] == 100).all()
    expected = (0.5 * 100 + 0.5 * np.array(COLOURS[1])).astype(np.uint8)
    assert (painted[20, 15] == expected).all()
    assert len(np.unique(painted[:, 32:].reshape(-1, 3), axis=0)) == 2
    assert (image == 100).all()
