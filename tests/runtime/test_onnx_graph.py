"""Files of exported networks, and what is told of others."""

import numpy as np
import pytest

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
from helpers.onnx_files import write_fewshot, write_onnx, write_semantic  # noqa: E402
from onnx import helper  # noqa: E402

from mmfewshot_seg.runtime import OnnxGraph  # noqa: E402


def test_runs_and_tells_of_itself(tmp_path) -> None:
    graph = OnnxGraph(write_semantic(tmp_path), 'semantic', threads=1)
    assert graph.meta['classes'] == ['a', 'b', 'c']
    assert graph.input_names == ('image',)
    image = np.random.default_rng(0).random((2, 3, 5, 7), dtype=np.float32)
    np.testing.assert_array_equal(graph(image=image)['logits'], image)


def test_files_that_are_none(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='model.onnx does not exist; tools/export.py'):
        OnnxGraph(tmp_path / 'model.onnx')
    (tmp_path / 'text.onnx').write_text('no graph')
    with pytest.raises(ValueError, match='text.onnx cannot be read as an ONNX file'):
        OnnxGraph(tmp_path / 'text.onnx')
    nodes, shape = [helper.make_node('Identity', ['x'], ['y'])], [1]
    foreign = write_onnx(tmp_path / 'foreign.onnx', nodes, dict(x=shape), dict(y=shape), None)
    with pytest.raises(ValueError, match='foreign.onnx was not written by tools/export.py'):
        OnnxGraph(foreign)
    path = write_semantic(tmp_path)
    with pytest.raises(ValueError, match="kind 'semantic', not 'few-shot query'"):
        OnnxGraph(path, 'few-shot query')


def test_an_input_that_is_missing_is_named(tmp_path) -> None:
    write_fewshot(tmp_path)
    graph = OnnxGraph(tmp_path / 'query.onnx')
    with pytest.raises(ValueError, match='query.onnx takes .*; prototypes is missing, given are'):
        graph(image=np.zeros((1, 3, 8, 8), np.float32))


def test_sizes_that_the_graph_does_not_take(tmp_path) -> None:
    fixed = OnnxGraph(write_semantic(tmp_path, (8, 8), size_divisor=None, size=[8, 8]))
    with pytest.raises(ValueError, match=r'image of shape \(1, 3, 8, 9\).*\(images, 3, 8, 8\)'):
        fixed(image=np.zeros((1, 3, 8, 9), np.float32))
    multiple = OnnxGraph(write_semantic(tmp_path, size_divisor=8))
    multiple(image=np.zeros((1, 3, 16, 8), np.float32))
    with pytest.raises(ValueError, match='multiple of 8, multiple of 8'):
        multiple(image=np.zeros((1, 3, 16, 12), np.float32))
