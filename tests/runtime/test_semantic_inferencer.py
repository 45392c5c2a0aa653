"""The semantic inferencer without PyTorch, on graphs made by hand."""

import cv2
import numpy as np
import pytest

pytest.importorskip('onnxruntime')
from helpers.onnx_files import SEMANTIC, write_onnx, write_semantic  # noqa: E402
from onnx import helper  # noqa: E402

from mmfewshot_seg.runtime import OnnxSemanticInferencer  # noqa: E402
from mmfewshot_seg.runtime.semantic_inferencer import windows  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def test_labels_and_scores_at_the_size_of_the_image(tmp_path) -> None:
    write_semantic(tmp_path, mean=[1, 2, 3], std=[10, 10, 10], channel_order='RGB')
    inferencer = OnnxSemanticInferencer(tmp_path, threads=1)
    assert inferencer.class_names == ['a', 'b', 'c']
    result = inferencer(IMAGE)
    logits = (IMAGE[..., ::-1].astype(float) - [1, 2, 3]) / 10
    np.testing.assert_array_equal(result['label_map'], logits.argmax(-1))
    assert result['scores'].shape == (3, 9, 13)
    np.testing.assert_allclose(result['scores'].sum(0), 1, rtol=1e-6)
    assert set(result) == {'label_map', 'scores'}


def test_overlapping_windows_of_a_pointwise_graph_change_nothing(tmp_path) -> None:
    whole = OnnxSemanticInferencer(write_semantic(tmp_path))(IMAGE)
    write_semantic(tmp_path, window=dict(size=[4, 6], stride=[3, 4]))
    slid = OnnxSemanticInferencer(tmp_path)(IMAGE)
    np.testing.assert_allclose(slid['scores'], whole['scores'], rtol=1e-6)


@pytest.mark.parametrize(
    ('shape', 'size', 'stride'),
    [((9, 13), (4, 6), (3, 4)), ((4, 4), (4, 4), (2, 2)), ((10, 3), (4, 4), (4, 3))],
)
def test_windows_cover_the_image_and_stay_inside(shape, size, stride) -> None:
    covered = np.zeros(shape, int)
    for rows, columns in windows(*shape, size, stride):
        seen = covered[rows, columns]
        assert seen.shape == tuple(map(min, size, shape))
        covered[rows, columns] += 1
    assert covered.min() >= 1
    if shape == (4, 4):
        assert covered.max() == 1


def test_single_channel_is_a_probability(tmp_path) -> None:
    nodes = [
        helper.make_node('Constant', [], ['axes'], value_ints=[1]),
        helper.make_node('ReduceMean', ['image', 'axes'], ['logits'], keepdims=1),
    ]
    shape = ['images', 3, 'height', 'width']
    meta = dict(SEMANTIC, threshold=0.5, mean=[100] * 3, std=[50] * 3)
    outputs = dict(logits=['images', 1, 'height', 'width'])
    path = write_onnx(tmp_path / 'model.onnx', nodes, dict(image=shape), outputs, meta)
    result = OnnxSemanticInferencer(path)(IMAGE)
    mean = IMAGE.astype(float).mean(-1)
    np.testing.assert_array_equal(result['label_map'], mean > 100)
    np.testing.assert_allclose(result['scores'][0], 1 / (1 + np.exp((100 - mean) / 50)), rtol=1e-4)


@pytest.mark.parametrize('kind', ['canny', 'official'])
def test_gradient_of_the_image_goes_in_and_edges_come_out(tmp_path, kind) -> None:
    nodes = [
        helper.make_node('Identity', ['image'], ['logits']),
        helper.make_node('Identity', ['gradient'], ['edges']),
    ]
    shape, one = ['images', 3, 'height', 'width'], ['images', 1, 'height', 'width']
    gradient = dict(of=kind, thresholds=[10, 100])
    meta = dict(SEMANTIC, gradient=gradient, mean=[100] * 3, std=[50] * 3)
    inputs, outputs = dict(image=shape, gradient=one), dict(logits=shape, edges=one)
    path = write_onnx(tmp_path / 'model.onnx', nodes, inputs, outputs, meta)
    image = np.zeros((20, 20, 3), np.uint8)
    image[5:15, 5:15] = 200
    edges = OnnxSemanticInferencer(path)(image)['edges']
    seen = image
    if kind == 'official':  # (0 - 100) / 50 = -2 wraps to 254, (200 - 100) / 50 = 2
        seen = np.where(image == 0, 254, 2).astype(np.uint8)
    expected = cv2.Canny(seen, 10, 100)
    assert expected.any()
    np.testing.assert_allclose(edges, np.where(expected, 1, 0.5))
