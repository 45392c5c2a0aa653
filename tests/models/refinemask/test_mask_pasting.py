"""Masks in images: where they lie, thresholds, and that pasting draws no random numbers."""

import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmfewshot_seg.models.refinemask import mask_pasting

META = dict(ori_shape=(12, 16), img_shape=(24, 32), scale_factor=(2.0, 2.0))


def _pasted(threshold: float, rescale: bool) -> torch.Tensor:
    """Of a box of 8 x 8 whose upper half is inside, and of an image without boxes."""
    logits = torch.full((1, 1, 8, 8), -9.0)
    logits[..., :4, :] = 9
    boxes = torch.tensor([[4.0, 8, 12, 16]])
    results = [
        InstanceData(bboxes=boxes[:count], labels=torch.zeros(count, dtype=torch.int64))
        for count in (1, 0)
    ]
    cfg = ConfigDict(mask_thr_binary=threshold)
    one, none = mask_pasting.paste_masks(
        [logits, logits[:0]], results, [META] * 2, cfg, rescale=rescale
    )
    assert len(none.masks) == 0
    return one.masks[0]


def test_in_pixels_of_the_network() -> None:
    expected = torch.zeros(24, 32, dtype=torch.bool)
    expected[8:12, 4:12] = True
    assert torch.equal(_pasted(0.5, rescale=False), expected)


def test_in_the_original_size() -> None:
    expected = torch.zeros(12, 16, dtype=torch.bool)
    expected[4:6, 2:6] = True
    assert torch.equal(_pasted(0.5, rescale=True), expected)


def test_probabilities() -> None:
    found = _pasted(-1, rescale=False)
    assert found.dtype == torch.uint8 and found[8:11, 5:11].min() >= 254
    assert found[:7].max() == found[17:].max() == 0


def test_no_random_numbers_are_drawn() -> None:
    mask_pasting._pasting_head.cache_clear()
    state = torch.get_rng_state()
    _pasted(0.5, rescale=False)
    assert torch.equal(torch.get_rng_state(), state)
