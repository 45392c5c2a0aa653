"""The few-shot inferencer without PyTorch, on graphs made by hand."""

import json

import numpy as np
import onnx
import pytest

pytest.importorskip('onnxruntime')
from helpers.onnx_files import write_fewshot  # noqa: E402

from mmfewshot_seg.runtime import OnnxFewShotInferencer, fewshot_inferencer  # noqa: E402


def image(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


MASK = np.eye(4, 6, dtype=bool)


def test_segments_by_the_mean_of_the_shots(tmp_path) -> None:
    inferencer = OnnxFewShotInferencer(write_fewshot(tmp_path), threads=1)
    images = [image(2), image(10), image(4)]
    inferencer.set_support(images, [MASK] * 3, ['cat', 'dog', 'cat'])
    assert inferencer.class_names == ('cat', 'dog')
    share = np.float32(4 / 24)
    np.testing.assert_allclose(inferencer.state['prototypes'], [[[share], [3], [10]]], rtol=1e-6)
    result = inferencer(image(1))
    assert result['label_map'].dtype == np.uint8 and result['label_map'].shape == (4, 6)
    assert (result['label_map'] == 2).all()
    logits = np.array([share, 3, 10])
    expected = np.exp(logits - 10) / np.exp(logits - 10).sum()
    np.testing.assert_allclose(result['scores'][:, 0, 0], expected, rtol=1e-5)


def test_one_name_is_that_of_all_images(tmp_path) -> None:
    inferencer = OnnxFewShotInferencer(write_fewshot(tmp_path), threads=1)
    inferencer.set_support([image(1)] * 3, [MASK] * 3, 'cat')  # three letters, three images
    assert inferencer.class_names == ('cat',)


def test_padding_is_cut_off_and_the_size_of_the_image_restored(tmp_path) -> None:
    steps = [
        dict(type='resize', scale=[3, 2], keep_ratio=False),
        dict(type='pad', size=[8, 8], divisor=None, value=255),
    ]
    inferencer = OnnxFewShotInferencer(write_fewshot(tmp_path, steps=steps), threads=1)
    inferencer.set_support([image(1)], [MASK], ['cat'])
    scores = inferencer(image(0))['scores']
    assert scores.shape == (2, 4, 6)
    assert np.all(scores == 0.5)  # nothing of the white padding


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (([], [], []), '0 images, 0 masks and 0 class names'),
        (([image(1)], [MASK], ['a', 'b']), '1 images, 1 masks and 2 class names'),
        (([image(1)], [MASK[:2]], ['a']), r'support 1 \(a\): a mask of shape \(2, 6\)'),
        (([image(1)], [0 * MASK], ['a']), r'support 1 \(a\): a mask has one value besides 0'),
        (([image(1)], [MASK], ['a'], [image(2)]), 'takes no negatives'),
        (([image(1)] * 255, [MASK] * 255, [*map(str, range(255))]), '1 to 254 classes, not 255'),
    ],
)
def test_support_sets_that_are_refused(tmp_path, arguments, message) -> None:
    inferencer = OnnxFewShotInferencer(write_fewshot(tmp_path), threads=1)
    with pytest.raises(ValueError, match=message):
        inferencer.set_support(*arguments)
    assert inferencer.state is None
    with pytest.raises(ValueError, match='no support set yet'):
        inferencer(image(1))


def test_mask_that_vanishes_at_network_size_is_told(tmp_path) -> None:
    folder = write_fewshot(tmp_path)
    model = onnx.load(folder / 'support.onnx')
    meta = {each.key: each.value for each in model.metadata_props}
    meta['steps'] = json.dumps([dict(type='resize', scale=[1, 1], keep_ratio=False)])
    onnx.helper.set_model_props(model, meta)
    onnx.save(model, folder / 'support.onnx')
    mask = np.zeros((4, 6), bool)
    mask[3, 5] = True
    with pytest.raises(ValueError, match='too small: nothing is left of it at 1x1'):
        OnnxFewShotInferencer(folder).set_support([image(1)], [mask], ['a'])


def test_graphs_of_unlike_networks_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match='networks with unlike weights'):
        OnnxFewShotInferencer(write_fewshot(tmp_path, weights='other'))
    (tmp_path / 'query.onnx').unlink()
    with pytest.raises(FileNotFoundError, match='query.onnx does not exist'):
        OnnxFewShotInferencer(tmp_path)


def test_edges_follow_the_image_as_the_config_says(tmp_path, monkeypatch) -> None:
    seen = []

    def refined(logits, image, method):
        seen.append(method)
        return -logits

    monkeypatch.setattr(fewshot_inferencer, 'refine_edges', refined)
    folder = write_fewshot(tmp_path, refine='grabcut')
    for refine, method in (('config', 'grabcut'), ('guided', 'guided')):
        inferencer = OnnxFewShotInferencer(folder, refine=refine)
        inferencer.set_support([image(2)], [MASK], ['cat'])
        assert (inferencer(image(1))['label_map'] == 0).all()
        assert seen.pop() == method
    inferencer = OnnxFewShotInferencer(folder, refine=None).set_support([image(2)], [MASK], ['cat'])
    assert (inferencer(image(1))['label_map'] == 1).all() and not seen
    with pytest.raises(ValueError, match="refine='crf', expected one of"):
        OnnxFewShotInferencer(folder, refine='crf')
