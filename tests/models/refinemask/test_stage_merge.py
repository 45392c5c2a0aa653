"""Merged logits: coarse inside and outside, fine near the contour."""

import torch
import torch.nn.functional as F

from mmfewshot_seg.models.refinemask.stage_merge import merge_stages


def constant(size: int, value: float) -> torch.Tensor:
    return torch.full((1, 1, size, size), value)


def test_without_a_contour_the_start_stage_stays() -> None:
    stages = [constant(4, 9.0), constant(8, -2.0), constant(16, 3.0), constant(32, 4.0)]
    torch.testing.assert_close(merge_stages(stages), constant(32, -2.0))


def test_finer_logits_at_the_contour_only() -> None:
    coarse = constant(8, -1.0)
    coarse[..., :4] = 1.0  # contour between columns 3 and 4, and at the edge of the RoI
    fine = constant(16, 5.0)
    merged = merge_stages([constant(4, 0.0), coarse, fine])[0, 0]
    row = merged[8]  # far from the upper and lower edge
    # Columns 0 and 3, 4 of the coarse mask are boundary; sample x of 16 lies at x * 7 / 15.
    is_fine = [round(x * 7 / 15) in (0, 3, 4) for x in range(16)]
    assert [bool(value == 5) for value in row] == is_fine
    enlarged = F.interpolate(coarse, (16, 16), mode='bilinear', align_corners=True)[0, 0, 8]
    assert torch.equal(row[row != 5], enlarged[row != 5])


def test_from_the_start_stage_upwards() -> None:
    torch.manual_seed(0)
    stages = [torch.randn(2, 1, size, size) for size in (4, 8, 16, 32, 64)]
    assert torch.equal(merge_stages(stages), merge_stages(stages[1:], start_stage=0))
    assert torch.equal(merge_stages(stages[:2]), stages[1])
    assert not torch.equal(merge_stages(stages, 0), merge_stages(stages, 1))


def test_float32_whatever_comes_and_no_rois() -> None:
    stages = [torch.zeros(0, 1, size, size, dtype=torch.bfloat16) for size in (4, 8, 16)]
    merged = merge_stages(stages)
    assert merged.dtype == torch.float32
    assert merged.shape == (0, 1, 16, 16)
