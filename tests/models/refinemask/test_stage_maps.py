"""Logits of the stages of the best detections."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

from mmfewshot_seg.models.refinemask.stage_maps import keep_stage_logits  # noqa: E402


def _results(*scores: float) -> InstanceData:
    """The label of a detection tells it from the others."""
    number = len(scores)
    return InstanceData(
        bboxes=torch.rand(number, 4),
        labels=torch.tensor([int(100 * score) for score in scores], dtype=torch.long),
        scores=torch.tensor(scores),
    )


def _roi_head(**test_cfg) -> SimpleNamespace:
    def stage_logits(x, rois, labels):
        values = (x[0] + 10 * rois[:, 0] + labels).view(-1, 1, 1, 1)
        return [values.expand(-1, 1, size, size).half() for size in (2, 4)], None

    return SimpleNamespace(test_cfg=test_cfg, stage_logits=stage_logits)


def test_the_best_of_each_image_get_their_logits() -> None:
    results = [_results(0.01, 0.03, 0.02), _results(), _results(0.04)]
    keep_stage_logits(_roi_head(stage_maps=2), (0.5,), results)
    kept = [
        [None if stages is None else stages[0][0, 0].item() for stages in image.stage_logits]
        for image in results
    ]
    assert kept == [[None, 3.5, 2.5], [], [24.5]]
    stages = results[0].stage_logits[1]
    assert [(tuple(logits.shape), logits.dtype) for logits in stages] == [
        ((2, 2), torch.float32),
        ((4, 4), torch.float32),
    ]
    # They stay with their detections.
    assert results[0][results[0].scores > 0.015].stage_logits == list(results[0].stage_logits[1:])


@pytest.mark.parametrize('test_cfg', [dict(), dict(stage_maps=0)])
def test_by_default_nothing_is_kept(test_cfg) -> None:
    results = [_results(0.01)]
    keep_stage_logits(_roi_head(**test_cfg), (0.5,), results)
    assert 'stage_logits' not in results[0]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r'test_cfg.rcnn.stage_maps=-1, expected 0 or more'):
        keep_stage_logits(_roi_head(stage_maps=-1), (0.5,), [_results(0.01)])
