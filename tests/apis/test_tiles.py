"""Tiles: what they cover, their weights, and means computed in one piece."""

import numpy as np
import pytest
import torch

from mmfewshot_seg.apis.tiles import TileGrid, Tiling

GRIDS = [
    TileGrid((100, 130), Tiling(40, 0.25)),
    TileGrid((40, 41), Tiling(40, 0.5)),
    TileGrid((33, 300), Tiling(64, 0)),
    TileGrid((97, 89), Tiling(32, 0.9)),
    TileGrid((20, 30), Tiling(32, 0.25)),
]


@pytest.mark.parametrize('grid', GRIDS)
def test_tiles_cover_the_image_and_overlap(grid) -> None:
    tiles = list(grid)
    covered = np.zeros(grid.shape, int)
    for tile in tiles:
        assert covered[tile].shape == grid.tile_shape
        covered[tile] += 1
    assert covered.min() >= 1 and len(tiles) == len(grid)
    for starts, side in zip(grid.starts, grid.tile_shape, strict=True):
        steps = np.diff(starts)
        assert (side - steps >= np.floor(grid.tiling.overlap * side)).all()
        assert not len(steps) or steps.max() - steps.min() <= 1  # evenly spaced


@pytest.mark.parametrize('grid', GRIDS)
def test_means_are_those_of_weights_in_one_piece(grid) -> None:
    """Against sums over the whole image: a bell over each tile, divided by the sum of bells."""
    torch.manual_seed(0)
    maps = [torch.randn(3, *grid.tile_shape) for _ in grid]
    sides = [np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 for side in grid.tile_shape]
    bell = np.outer(*sides)
    sums, weights = np.zeros((3, *grid.shape)), np.zeros(grid.shape)
    for tile, values in zip(grid, maps, strict=True):
        sums[:, tile[0], tile[1]] += values.numpy() * bell
        weights[tile] += bell
    bands = list(grid.blended(maps))
    rows = np.concatenate([np.arange(grid.shape[0])[part] for part, _ in bands])
    np.testing.assert_array_equal(rows, np.arange(grid.shape[0]))
    found = torch.cat([band for _, band in bands], 1)
    np.testing.assert_allclose(found, sums / weights, atol=1e-5)


def test_equal_predictions_leave_no_seam() -> None:
    grid = TileGrid((200, 150), Tiling(64, 0.25))
    ramp = torch.arange(200.0)[:, None] + torch.arange(150.0)
    maps = (ramp[tile][None] for tile in grid)
    found = torch.cat([band for _, band in grid.blended(maps)], 1)
    np.testing.assert_allclose(found[0], ramp, rtol=1e-5)


def test_steps_between_tiles_are_smoothed() -> None:
    """Two tiles that disagree by 1: the mean goes over in steps of few hundredths."""
    grid = TileGrid((64, 96), Tiling(64, 0.5))
    maps = [torch.zeros(1, 64, 64), torch.ones(1, 64, 64)]
    ((_, band),) = grid.blended(maps)
    steps = band[0, 10].diff()
    assert band[0, 10, 0] == 0 and band[0, 10, -1] == 1
    assert (steps >= 0).all() and steps.max() < 0.06


def test_rows_in_memory_are_those_of_a_tile() -> None:
    grid = TileGrid((4000, 64), Tiling(64, 0.25))
    for _, band in grid.blended(torch.zeros(2, 64, 64) for _ in grid):
        assert band.untyped_storage().nbytes() == 4 * 2 * 64 * 64


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((31,), 'tile_size=31, expected at least 32'),
        ((64, 0.95), 'tile_overlap=0.95, expected a share'),
        ((64, -0.1), 'tile_overlap=-0.1'),
    ],
)
def test_odd_tiles_are_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        Tiling(*arguments)
