"""Yardsticks on hand-made episodes."""

import numpy as np
import pytest
import torch

from mmfewshot_seg.structures import Episode
from mmfewshot_seg.studies.mask_baselines import centred_disc, mask_baselines


def _item(index: int, support: np.ndarray, query: np.ndarray) -> dict:
    meta = dict(run=0, index=index, class_ids=(4,))
    episode = Episode(metainfo=meta, query_masks=torch.from_numpy(query)[None].long())
    masks = torch.from_numpy(support).to(torch.uint8)[None, None]
    return dict(inputs=dict(support_masks=masks), data_samples=episode)


def test_disc_covers_the_centre_and_at_radius_one_everything() -> None:
    assert centred_disc((3, 3), 0.5).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert centred_disc((4, 7), 1.0).all()


def test_figures_by_hand() -> None:
    disc = centred_disc((20, 20), 0.5)
    half = np.zeros((20, 20), int)
    half[:10] = 1
    ignored = half.copy()
    ignored[10:] = 255
    figures = mask_baselines([_item(0, half, disc), _item(1, ignored, disc)])
    everything, copied, (name, best) = (*list(figures.values())[:2], list(figures.items())[2])
    assert everything == pytest.approx(disc.mean())
    both = (disc & half).sum() / (disc | half).sum()
    assert copied == pytest.approx(both)
    assert (name, best) == ('best centred disc of radius 0.50', 1.0)
