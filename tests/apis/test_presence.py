"""Scores of presence, their thresholds, and empty masks."""

import numpy as np
import pytest
import torch
from helpers.fewshot_models import fewshot_inferencer
from mmseg.structures import SegDataSample

from mmfewshot_seg.apis.leave_one_out import LeftOut
from mmfewshot_seg.apis.presence import presence_thresholds, without_absent
from mmfewshot_seg.datasets.drawn import draw_scene
from mmfewshot_seg.models.fewshot import DenseMatchingHead, PANetHead


def _scene(seed: int, kind: int = 0) -> tuple[np.ndarray, np.ndarray]:
    scene = draw_scene(64, 64, [[kind]], np.random.RandomState(seed))
    return scene.image, scene.label_map == 1 + kind


def _left_out(name: str | None, presence: dict[str, float] | None) -> LeftOut:
    sample = None
    if presence is not None:
        sample = SegDataSample(metainfo=dict(class_names=tuple(presence)))
        sample.presence = torch.tensor(list(presence.values()))
    return LeftOut(name, 1, None, torch.zeros(3, 2, 2), torch.zeros(2, 2), sample)


def test_thresholds_by_hand() -> None:
    left_out = [
        _left_out('a', {'a': 0.6, 'b': 0.1}),
        _left_out('a', {'a': 0.4, 'b': 0.3}),
        _left_out('b', {'a': 0.2}),  # it was the only one of b
        _left_out(None, {'a': 0.0, 'b': 0.0}),
    ]
    usual = DenseMatchingHead(presence_levels=(0.1, 0.3))
    a = ((5 * 0.1 + 0.2) / 7 + (5 * 0.3 + 0.6 + 0.4) / 7) / 2
    b = ((5 * 0.1 + 0.1 + 0.3) / 8 + 0.3) / 2
    assert presence_thresholds(usual, ('a', 'b'), left_out) == pytest.approx([a, b])
    assert presence_thresholds(usual, ('a', 'b')) == pytest.approx([0.2, 0.2])
    assert presence_thresholds(PANetHead(), ('a',), left_out) == pytest.approx([(0.1 + 0.5) / 2])
    with pytest.raises(ValueError, match=r"needs a second support.* 'b'"):
        presence_thresholds(PANetHead(), ('a', 'b'), left_out)
    with pytest.raises(ValueError, match=r"another class or negatives.* 'a'.*PANetHead"):
        presence_thresholds(PANetHead(), ('a',), left_out[:2])


def test_absent_classes_win_no_pixel() -> None:
    logits = torch.tensor([[[0.0, 1.0]], [[5.0, -1.0]], [[3.0, 4.0]]])
    assert without_absent(logits, torch.tensor([0.2, 0.5]), [0.3]).argmax(0).tolist() == [[2, 2]]
    assert without_absent(logits, torch.tensor([0.2, 0.5]), [0.1, 0.6]).argmax(0).tolist() == [
        [1, 0]
    ]
    assert without_absent(logits, torch.tensor([0.3, 0.5]), [0.3]).equal(logits)


@pytest.mark.parametrize('head', ['panet', 'asgnet', 'dense_matching'])
@pytest.mark.parametrize('refine', ['grabcut', 'guided', None])
def test_masks_are_empty_below_the_threshold_and_unchanged_above(tmp_path, head, refine) -> None:
    inferencer = fewshot_inferencer(tmp_path, head=head)
    inferencer.refine = refine
    images, masks = zip(*(_scene(seed, seed % 2) for seed in range(4)), strict=True)
    inferencer.set_support(images[:3], masks[:3], ['cat', 'dog', 'cat'])
    plain = inferencer(images[3])['predictions'][0]
    assert plain['presence'].shape == (2,) and plain['presence'].dtype == np.float32
    low = [float(score) - 0.01 for score in plain['presence']]
    same = inferencer(images[3], min_score=low)['predictions'][0]
    np.testing.assert_array_equal(same['label_map'], plain['label_map'])
    np.testing.assert_array_equal(same['scores'], plain['scores'])
    empty = inferencer(images[3], min_score=[low[0], 100.0])['predictions'][0]
    assert not (empty['label_map'] == 2).any() and empty['scores'][2].max() < 1e-3
    np.testing.assert_array_equal(empty['presence'], plain['presence'])
    numbers = np.array([low[0], 100], np.float32)
    again = inferencer(images[3], min_score=numbers, out_dir=str(tmp_path / 'out'))['predictions'][
        0
    ]
    np.testing.assert_array_equal(again['label_map'], empty['label_map'])
    none = inferencer(images[3], min_score=np.float32(100))['predictions'][0]
    assert not none['label_map'].any()
    np.testing.assert_array_equal(
        inferencer(images[3])['predictions'][0]['scores'], plain['scores']
    )


def test_presence_does_not_depend_on_batches_or_the_number_of_supports(tmp_path) -> None:
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    images, masks = zip(*map(_scene, range(3)), strict=True)
    inferencer.set_support(images[0], masks[0], 'cat')
    one = [p['presence'] for p in inferencer(images[1:], batch_size=2)['predictions']]
    alone = [inferencer(image)['predictions'][0]['presence'] for image in images[1:]]
    np.testing.assert_allclose(one, alone, rtol=1e-4)
    inferencer.add_support(images[0], masks[0], 'cat')  # the same again says no more
    twice = [p['presence'] for p in inferencer(images[1:])['predictions']]
    np.testing.assert_allclose(twice, one, rtol=1e-3)


def test_auto_is_the_thresholds_of_the_support_set(tmp_path) -> None:
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    images, masks = zip(*(_scene(seed, seed % 2) for seed in range(5)), strict=True)
    inferencer.set_support(images[:4], masks[:4], ['cat', 'dog', 'cat', 'dog'])
    thresholds = inferencer.presence_thresholds()
    by_hand = inferencer(images[4], min_score=thresholds)['predictions'][0]
    auto = inferencer(images[4], min_score='auto')['predictions'][0]
    np.testing.assert_array_equal(auto['scores'], by_hand['scores'])
    with pytest.raises(ValueError, match=r"needs another class or negatives.*'cat'"):
        inferencer(images[4], min_score='auto', support=inferencer.fit_support(*_scene(0), 'cat'))
    inferencer.model.decode_head.presence_levels = (0.1, 0.5)
    inferencer.save_support(tmp_path / 'set.pth')
    inferencer.load_support(tmp_path / 'set.pth')  # no images, so what is usual
    assert inferencer.presence_thresholds() == pytest.approx([0.3, 0.3])


@pytest.mark.parametrize('wrong', ['high', float('nan'), [0.1, 0.2], ['a'], float('inf'), True])
def test_wrong_thresholds(tmp_path, wrong) -> None:
    inferencer = fewshot_inferencer(tmp_path).set_support(*_scene(0), 'cat')
    with pytest.raises(ValueError, match=r'min_score=.*expected a number, one for each of the 1'):
        inferencer(_scene(1)[0], min_score=wrong)
