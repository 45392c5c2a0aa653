"""Stacking, normalisation and padding of episodes."""

import pytest
import torch

from mmfewshot_seg.models.fewshot import EpisodeDataPreProcessor
from mmfewshot_seg.structures import Episode


def _batch(query_sizes, support_sizes):
    return dict(
        inputs=dict(
            query=[torch.full((1, 3, *size), 7, dtype=torch.uint8) for size in query_sizes],
            support=[torch.full((1, 2, 3, *s), 7, dtype=torch.uint8) for s in support_sizes],
            support_masks=[torch.ones(1, 2, *s, dtype=torch.uint8) for s in support_sizes],
        ),
        data_samples=[Episode(query_masks=torch.ones(1, *size).long()) for size in query_sizes],
    )


def test_channels_and_normalisation_by_hand() -> None:
    batch = _batch([(4, 4)], [(4, 4)])
    batch['inputs']['query'][0][:, 0] = 10  # blue of a BGR image
    model = EpisodeDataPreProcessor(mean=[1, 2, 4], std=[2, 1, 3], bgr_to_rgb=True)
    inputs = model(batch)['inputs']
    assert inputs['query'][0, 0, :, 0, 0].tolist() == [3, 5, 2]
    assert inputs['support'].shape == (1, 1, 2, 3, 4, 4)
    assert inputs['support_masks'].dtype == torch.int64


def test_unlike_sizes_are_padded_after_normalisation() -> None:
    batch = _batch([(4, 6), (5, 3)], [(8, 8), (2, 9)])
    out = EpisodeDataPreProcessor(mean=[1] * 3, std=[1] * 3, bgr_to_rgb=False)(batch, True)
    inputs = out['inputs']
    assert inputs['query'].shape == (2, 1, 3, 5, 6)
    assert inputs['query'][1, 0, 0, :, 3:].abs().max() == 0
    assert (inputs['support_masks'][1, 0, 0, 2:] == 255).all()
    assert (out['data_samples'][0].query_masks[0, 4:] == 255).all()
    assert out['data_samples'][1].query_masks.shape == (1, 5, 6)


def test_labels_keep_their_size_in_testing() -> None:
    batch = _batch([(4, 6)], [(4, 6)])
    batch['data_samples'][0].query_masks = torch.ones(1, 20, 30).long()
    out = EpisodeDataPreProcessor(size_divisor=8)(batch, training=False)
    assert out['data_samples'][0].query_masks.shape == (1, 20, 30)
    assert out['inputs']['query'].shape[-2:] == (4, 6)


def test_divisor_and_size_hold_in_training() -> None:
    out = EpisodeDataPreProcessor(size=(10, 10), size_divisor=8)(_batch([(4, 17)], [(4, 6)]), True)
    assert out['inputs']['query'].shape[-2:] == (16, 24)
    assert out['inputs']['support'].shape[-2:] == (16, 16)


def test_seeds_are_stacked_where_no_support_was_padded() -> None:
    seeds = [torch.full((1, 2, 5, 2), i) for i in range(2)]
    for sizes, places, kept in (
        ([(8, 8), (8, 8)], seeds, True),
        ([(8, 8), (8, 9)], seeds, False),
        ([(8, 8), (8, 8)], [seeds[0], None], False),
    ):
        batch = _batch([(4, 4), (5, 5)], sizes)
        batch['inputs']['support_seeds'] = places
        inputs = EpisodeDataPreProcessor()(batch)['inputs']
        assert ('support_seeds' in inputs) == kept
        if kept:
            assert inputs['support_seeds'].shape == (2, 1, 2, 5, 2)
            assert inputs['support_seeds'].dtype == torch.int64
            assert inputs['support_seeds'][1].unique().tolist() == [1]


def test_seeds_are_left_out_where_supports_grow_in_training() -> None:
    batch = _batch([(4, 4)], [(9, 9)])
    batch['inputs']['support_seeds'] = [torch.zeros(1, 2, 5, 2).long()]
    model = EpisodeDataPreProcessor(size_divisor=8)
    assert 'support_seeds' in model(batch)['inputs']
    assert 'support_seeds' not in model(batch, training=True)['inputs']
    assert 'support_seeds' not in model(_batch([(4, 4)], [(8, 8)]))['inputs']


@pytest.mark.parametrize('option', ['batch_augments', 'test_cfg'])
def test_options_without_meaning_are_refused(option) -> None:
    with pytest.raises(ValueError, match=f'does not support {option}'):
        EpisodeDataPreProcessor(**{option: [dict(type='x')]})
