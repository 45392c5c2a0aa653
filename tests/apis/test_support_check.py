"""Leaving out each support, and the judgement of it."""

import math

import cv2
import numpy as np
import pytest
import torch
from helpers.fewshot_models import fewshot_inferencer
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.apis.leave_one_out import LeftOut
from mmfewshot_seg.apis.support_check import (
    OUTLINE,
    UNLIKE,
    draw_checks,
    judge_supports,
    table_of_checks,
    write_checks,
)
from mmfewshot_seg.datasets.drawn import draw_scene


def _scene(seed: int, size=(64, 64)) -> tuple[np.ndarray, np.ndarray]:
    scene = draw_scene(*size, [[0]], np.random.RandomState(seed))
    return scene.image, scene.label_map == 1


def _left_out(name: str | None, number: int, label, found=None) -> LeftOut:
    """A support of 2 x 2 pixels; the others know the classes a and b."""
    sample = None
    if found is not None:
        sample = SegDataSample(metainfo=dict(class_names=('a', 'b')))
        sample.pred_sem_seg = PixelData(data=torch.tensor(found)[None])
    seen = torch.zeros(3, 2, 2, dtype=torch.uint8)
    return LeftOut(name, number, f'{number}.jpg', seen, torch.tensor(label), sample)


def test_iou_by_hand() -> None:
    assert _left_out('a', 1, [[1, 1], [0, 0]], [[1, 0], [1, 0]]).iou == pytest.approx(1 / 3)
    assert _left_out('a', 1, [[1, 1], [255, 0]], [[1, 0], [1, 0]]).iou == pytest.approx(1 / 2)
    assert _left_out('b', 1, [[1, 1], [0, 0]], [[2, 2], [1, 0]]).iou == 1
    assert math.isnan(_left_out('c', 1, [[1, 1], [0, 0]], [[2, 2], [1, 0]]).iou)
    assert math.isnan(_left_out('a', 1, [[1, 1], [0, 0]]).iou)


def test_who_does_not_fit_by_hand() -> None:
    right, nothing = [[1, 1], [0, 0]], [[0, 0], [0, 0]]
    left_out = [
        *(_left_out('a', number, right, right) for number in (1, 2)),
        _left_out('a', 3, right, nothing),
        _left_out('b', 1, right, nothing),  # nobody of its class is found
        _left_out('b', 2, right, nothing),
        _left_out(None, 1, nothing, nothing),
    ]
    nan = float('nan')
    checks = judge_supports(left_out, [5.0, 1.0, 5.0, nan, 5.0, nan])
    assert [check.reason for check in checks] == ['', OUTLINE, UNLIKE, '', '']
    assert [check.fits for check in checks] == [True, False, False, True, True]
    assert [check.iou for check in checks] == [1, 1, 0, 0, 0]
    table = table_of_checks(checks)
    header = [name.strip() for name in table.splitlines()[1].strip('|').split('|')]
    assert header[-1] == 'what is wrong' and all(header)
    assert '1.jpg' in table and UNLIKE in table and '1.00' in table and ' - ' in table
    assert draw_checks(left_out, checks).shape[2] == 3


@pytest.mark.parametrize('head', ['panet', 'asgnet', 'dense_matching'])
def test_leaving_out_is_fitting_the_others(tmp_path, head) -> None:
    inferencer = fewshot_inferencer(tmp_path, head=head)
    images, masks = zip(*(_scene(seed) for seed in range(4)), strict=True)
    names = ['cat', 'dog', 'cat', 'cat']
    inferencer.set_support(images, masks, names)
    left_out = inferencer.leave_one_out()
    assert [(one.class_name, one.number) for one in left_out] == [
        *(('cat', number) for number in (1, 2, 3)),
        ('dog', 1),
    ]
    for one, place in zip(left_out, (0, 2, 3, 1), strict=True):
        others = [i for i in (0, 2, 3, 1) if i != place]
        state = inferencer.fit_support(*([v[i] for i in others] for v in (images, masks, names)))
        expected = inferencer(images[place], support=state)['predictions'][0]
        found = one.found.pred_sem_seg.data[0].numpy()
        np.testing.assert_array_equal(found, expected['label_map'])
        np.testing.assert_allclose(one.found.presence, expected['presence'], rtol=1e-4)
        np.testing.assert_array_equal(one.image, images[place])
        np.testing.assert_array_equal(one.label, masks[place])
        if names[place] == 'cat':
            both, either = (found == 1) & masks[place], (found == 1) | masks[place]
            assert one.iou == pytest.approx(both.sum() / either.sum())
    assert [check.class_name for check in inferencer.check_support()] == ['cat'] * 3 + ['dog']
    assert math.isnan(inferencer.check_support()[-1].iou)
    write_checks(tmp_path / 'check.jpg', left_out, inferencer.check_support())
    assert cv2.imread(str(tmp_path / 'check.jpg')) is not None


def test_a_swapped_mask_is_named(tmp_path) -> None:
    images, masks = zip(*(_scene(seed, (128, 128)) for seed in range(4)), strict=True)
    size = dict(type='Resize', scale=(128, 128), keep_ratio=False)
    inferencer = fewshot_inferencer(tmp_path, size, head='dense_matching')
    inferencer.set_support(images, masks, 'cat')
    fits = [check.mask_fit for check in inferencer.check_support()]
    inferencer.set_support(images, [masks[0], masks[3], *masks[2:]], 'cat')
    checks = inferencer.check_support()
    assert checks[1].mask_fit < fits[1] - 0.5
    assert not checks[1].fits and checks[1].reason == OUTLINE
    assert [check.mask_fit for check in checks[2:]] == fits[2:]


def test_supports_of_a_file_have_no_images(tmp_path) -> None:
    inferencer = fewshot_inferencer(tmp_path)
    with pytest.raises(ValueError, match='no support set yet'):
        inferencer.check_support()
    image, mask = _scene(0)
    inferencer.set_support([image, image], [mask, mask], 'cat')
    inferencer.save_support(tmp_path / 'cat.pth')
    inferencer.load_support(tmp_path / 'cat.pth')
    with pytest.raises(ValueError, match=r"support 1 of 'cat' was read from a file.* set_support"):
        inferencer.check_support()


def test_one_support_alone_and_negatives(tmp_path) -> None:
    image, mask = _scene(0)
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    inferencer.set_support(image, mask, 'cat', negatives=[_scene(1)[0]])
    alone, negative = inferencer.leave_one_out()
    assert alone.found is None and negative.found.class_names == ('cat',)
    (check,) = inferencer.check_support()
    assert math.isnan(check.iou) and check.path is None
