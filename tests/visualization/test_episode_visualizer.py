"""Pictures of episodes: what is where, at which size."""

import cv2
import numpy as np
import pytest
import torch

from mmfewshot_seg.structures import Episode
from mmfewshot_seg.visualization import EpisodeVisualizer
from mmfewshot_seg.visualization.overlay import PROTOTYPE_COLOURS
from mmfewshot_seg.visualization.tiles import CAPTION, GAP, TILE


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


def _with_prototypes(ways=1, shots=1, queries=1, **kwargs):
    """Left half of each support: a prototype per shot; query: all of them, in stripes."""
    inputs, episode = _episode(ways, shots, queries, **kwargs)
    clusters = torch.zeros(ways, shots, 20, 30, dtype=torch.uint8)
    clusters[..., :15] = torch.arange(1, shots + 1).view(1, -1, 1, 1)
    stripes = torch.arange(episode.query_masks.shape[-1]) % shots + 1
    episode.support_clusters = clusters
    episode.guides = stripes.to(torch.uint8).expand(queries, ways, *episode.query_masks.shape[-2:])
    episode.pred_masks = torch.zeros_like(episode.query_masks)
    return inputs, episode


@pytest.mark.parametrize(
    ('shape', 'rows', 'columns'),
    [((1, 1, 1), 1, 6), ((1, 1, 2), 2, 6), ((1, 5, 1), 2, 10), ((2, 1, 1), 3, 5)],
)
def test_layout_with_prototypes(shape, rows, columns, tmp_path) -> None:
    picture = _draw(tmp_path, *_with_prototypes(*shape))
    assert picture.shape == (rows * (TILE + CAPTION + GAP), columns * (TILE + GAP), 3)


def _column(picture: np.ndarray, number: int) -> np.ndarray:
    """RGB of a tile in the first row of tiles, without caption."""
    return picture[:TILE, number * (TILE + GAP) :][:, :TILE, ::-1]


def test_a_prototype_has_the_same_colour_over_support_and_query(tmp_path) -> None:
    inputs, episode = _with_prototypes()
    episode.support_clusters[..., :10, :15] = 2
    episode.guides = episode.guides.clone()
    episode.guides[..., 10:, :] = 2
    inputs['support'][:] = 80
    inputs['query'][:] = 80
    picture = _draw(tmp_path, inputs, episode)
    clusters, allocation = _column(picture, 1), _column(picture, 3)
    height = TILE * 2 // 3
    one, two = clusters[height - 20, 20].tolist(), clusters[20, 20].tolist()
    assert one != two
    assert allocation[20, 20].tolist() == one
    assert allocation[height - 20, 20].tolist() == two
    assert clusters[20, TILE - 20].tolist() == [80] * 3


def test_allocation_lies_on_the_canvas_of_the_label(tmp_path) -> None:
    """A padded query, its label at the original size."""
    inputs, episode = _with_prototypes(label_size=(20, 60))
    inputs['query'] = torch.zeros(1, 3, 30, 30, dtype=torch.uint8)
    episode.set_metainfo(dict(img_shapes=((30, 30),), eval_shapes=((60, 60),)))
    allocation = _column(_draw(tmp_path, inputs, episode), 3)
    assert (
        allocation[: TILE // 3 - 10] == (0.6 * np.array(PROTOTYPE_COLOURS[0])).astype(int)
    ).all()
    assert (allocation[TILE // 3 + 1 :] == 255).all()


def test_captions_name_class_and_number_of_clusters(tmp_path, monkeypatch) -> None:
    captions = []

    def put_text(picture, text, *args):
        captions.append(text)

    monkeypatch.setattr(cv2, 'putText', put_text)
    inputs, episode = _with_prototypes(shots=2)
    episode.support_clusters[0, 1, :10, :15] = 3
    _draw(tmp_path, inputs, episode)
    assert captions[:4] == [
        'support: class 0',
        'clusters: class 0 (1)',
        'support: class 0',
        'clusters: class 0 (2)',
    ]
    assert captions[4:6] == ['query', 'allocation: class 0']


def test_prototypes_are_predictions_that_need_not_be_drawn(tmp_path) -> None:
    picture = _draw(tmp_path, *_with_prototypes(), draw_pred=False)
    assert (picture == _draw(tmp_path, *_episode())).all()


def test_long_captions_fit_their_tile(tmp_path) -> None:
    inputs, episode = _episode()
    episode.set_metainfo(dict(class_names=('a class with a name of very many letters',)))
    strip = _draw(tmp_path, inputs, episode)[TILE : TILE + CAPTION, : TILE + GAP]
    assert (strip < 128).any() and (strip[:, TILE + 3 :] == 255).all()


def test_clusters_of_a_padded_batch_lie_on_their_image(tmp_path) -> None:
    inputs, episode = _episode()
    clusters = torch.zeros(1, 1, 20, 60, dtype=torch.int64)  # padded to twice the width
    clusters[..., :30] = 1
    episode.support_clusters = clusters
    padded = _draw(tmp_path, inputs, episode)
    episode.support_clusters = clusters[..., :30]
    assert (padded == _draw(tmp_path, inputs, episode)).all()
