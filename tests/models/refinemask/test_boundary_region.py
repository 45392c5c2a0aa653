"""Boundary regions by hand, for each width, and at the edge of a mask."""

import pytest
import torch

from mmfewshot_seg.models.refinemask.boundary_region import (
    boundary_region,
    enlarge_mask,
    is_inside,
)


def drawn(*rows: str) -> torch.Tensor:
    return torch.tensor([[[pixel == '#' for pixel in row] for row in rows]])


def test_width_1_is_both_sides_of_the_contour() -> None:
    mask = drawn('......', '......', '..###.', '..###.', '..###.', '......')
    expected = drawn('......', '.#####', '.#####', '.##.##', '.#####', '.#####')
    assert torch.equal(boundary_region(mask, 1), expected)


def test_width_2_needs_three_of_25() -> None:
    # One pixel has 24 others in its window; its neighbours have one inside theirs.
    mask = drawn('.......', '.......', '.......', '...#...', '.......', '.......', '.......')
    assert torch.equal(boundary_region(mask, 2), mask)
    # A column of three is seen as three pixels only from the rows where all of it is in reach.
    mask = drawn('.......', '.......', '...#...', '...#...', '...#...', '.......', '.......')
    expected = drawn('.......', '.......', '.#####.', '.#####.', '.#####.', '.......', '.......')
    assert torch.equal(boundary_region(mask, 2), expected)


def test_width_3_needs_five_of_49() -> None:
    mask = torch.zeros(1, 15, 15, dtype=torch.bool)
    mask[0, 7, 5:9] = True
    assert torch.equal(boundary_region(mask, 3), mask)
    mask[0, 7, 9] = True
    region = boundary_region(mask, 3)
    assert region[0, 4:11, 6:9].all()  # where all five are in the window
    assert region.sum() == 7 * 3 + 2  # and the ends of the mask itself


@pytest.mark.parametrize('width', [1, 2, 3])
def test_full_and_empty_masks(width: int) -> None:
    full = torch.ones(1, 9, 9, dtype=torch.bool)
    expected = full.clone()
    expected[:, width:-width, width:-width] = False
    assert torch.equal(boundary_region(full, width), expected)
    assert not boundary_region(~full, width).any()


def test_no_masks() -> None:
    assert boundary_region(torch.zeros(0, 5, 5, dtype=torch.bool), 2).shape == (0, 5, 5)


def test_width_0_is_refused() -> None:
    with pytest.raises(ValueError, match='boundary width 0, expected at least 1'):
        boundary_region(torch.ones(1, 3, 3, dtype=torch.bool), 0)


def test_enlarged_mask_keeps_its_corners() -> None:
    mask = torch.tensor([[[True, False], [False, False]]])
    # Values 1, 2/3, 1/3, 0 along the edges, their products inside.
    expected = drawn('##..', '#...', '....', '....')
    assert torch.equal(enlarge_mask(mask, 4), expected)


def test_inside_is_a_probability_of_one_half() -> None:
    assert is_inside(torch.tensor([-1.0, -1e-3, -1e-9, 0.0, 1.0])).tolist() == [0, 0, 1, 1, 1]
