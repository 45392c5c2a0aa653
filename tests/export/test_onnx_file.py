"""Graphs are compared with their modules, and written whole or not at all."""

import numpy as np
import pytest
import torch
from helpers.graphs import needs_exporter

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
from mmfewshot_seg.command import UsageError  # noqa: E402
from mmfewshot_seg.export import onnx_file  # noqa: E402
from mmfewshot_seg.export.onnx_file import Graph, compare, require_exporter  # noqa: E402
from mmfewshot_seg.runtime import OnnxGraph  # noqa: E402
from mmfewshot_seg.version import __version__  # noqa: E402

FREE = dict(image=['images', None, 'height', 'width'])


def sample(size):
    return dict(image=torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)))


class Pooled(torch.nn.Module):
    """Means of blocks of 4 x 4, put back in their places: right for multiples of 4 alone."""

    def forward(self, image):
        small = torch.nn.functional.avg_pool2d(image, 4)
        return (image - small.repeat_interleave(4, 2).repeat_interleave(4, 3),)


class Pyramid(torch.nn.Module):
    """Pools to half of its height, a number that a graph keeps."""

    def forward(self, image):
        side = int(0.5 * image.shape[2])
        return (torch.nn.functional.adaptive_avg_pool2d(image, side),)


@needs_exporter
@torch.no_grad()
def test_divisor_of_the_sizes_is_found_and_written(tmp_path) -> None:
    graph = Graph(Pooled(), sample, (16, 24), FREE, ['out'])
    assert (graph.size, graph.size_divisor) == (None, 4)
    graph.write(tmp_path / 'pooled.onnx', dict(kind='test', mean=[1.5, 2]))
    read = OnnxGraph(tmp_path / 'pooled.onnx')
    assert read.meta == dict(
        mmfewshot_seg_version=__version__, kind='test', mean=[1.5, 2], size=None, size_divisor=4
    )
    image = sample((20, 44))['image'][:1]
    found = read(image=image.numpy())['out']
    np.testing.assert_allclose(found, Pooled()(image)[0].numpy(), atol=1e-5)
    assert read.session.get_inputs()[0].shape == ['images', 3, 'height', 'width']


@needs_exporter
@torch.no_grad()
def test_network_that_fixes_its_size_is_exported_at_that_size(tmp_path) -> None:
    graph = Graph(Pyramid(), sample, (16, 24), FREE, ['out'])
    assert (graph.size, graph.size_divisor) == ((16, 24), None)
    graph.write(tmp_path / 'pyramid.onnx', dict(kind='test'))
    read = OnnxGraph(tmp_path / 'pyramid.onnx')
    image = sample((16, 24))['image'].repeat(2, 1, 1, 1)  # any number of images
    found = read(image=image.numpy())['out']
    np.testing.assert_allclose(found, Pyramid()(image)[0].numpy(), atol=1e-5)
    with pytest.raises(ValueError, match=r'the graph takes \(images, 3, 16, 24\)'):
        read(image=np.zeros((1, 3, 16, 16), np.float32))


class Drifting(torch.nn.Module):
    """Gives other numbers when it runs than when it is recorded."""

    def forward(self, image):
        return (image * (2 if torch.compiler.is_exporting() else 1),)


@needs_exporter
@torch.no_grad()
def test_graph_that_differs_from_pytorch_is_refused() -> None:
    with pytest.raises(ValueError, match=r'out at 16x24 of the graph differs from PyTorch by \d'):
        Graph(Drifting(), sample, (16, 24), FREE, ['out'])


class Unknown(torch.nn.Module):
    """Decides by what it sees, which no graph can hold."""

    def forward(self, image):
        return (image if image.sum() > 0 else -image,)


@needs_exporter
@torch.no_grad()
def test_module_that_no_graph_holds_is_told(capfd) -> None:
    with pytest.raises(ValueError, match='^Unknown cannot be exported: '):
        Graph(Unknown(), sample, (16, 24), FREE, ['out'])
    assert capfd.readouterr().out == ''


@needs_exporter
@torch.no_grad()
def test_file_says_nothing_of_this_machine() -> None:
    graph = Graph(Pooled(), sample, (16, 24), FREE, ['out'])
    text = graph._proto.SerializeToString()
    assert b'site-packages' not in text and b'test_onnx_file' not in text


@pytest.mark.parametrize(
    ('found', 'expected', 'message'),
    [
        ([1, 2], [1, 2.01], 'logits of the graph differs from PyTorch by 0.01, more than 0.002'),
        ([np.nan], [1], 'differs from PyTorch by nan'),
        ([1, 2], [1], r'logits of the graph has shape \(2,\), not \(1,\)'),
    ],
)
def test_differences(found, expected, message) -> None:
    with pytest.raises(ValueError, match=message):
        compare('logits', np.float32(found), np.float32(expected))


def test_difference_is_a_share_of_the_largest_value() -> None:
    found, expected = np.float32([1000, 0.5]), np.float32([1000, 0])
    compare('logits', found, expected)
    compare('valid', np.array([True]), np.array([True]))
    with pytest.raises(ValueError, match='by 0.5, more than 0.1'):
        compare('logits', np.float32([100, 0.5]), np.float32([100, 0]))


def test_share_of_choices_may_differ() -> None:
    found, expected = np.zeros(100, np.float32), np.zeros(100, np.float32)
    found[:2] = 1
    compare('logits', found, expected, choices=0.02)
    with pytest.raises(ValueError, match='differs from PyTorch by 1, more than 0.001'):
        compare('logits', found, expected, choices=0.01)


def test_old_pytorch_is_told(monkeypatch) -> None:
    monkeypatch.delattr(torch.export, 'Dim', raising=False)
    with pytest.raises(UsageError, match='ONNX files are written by PyTorch 2.6 or newer'):
        require_exporter()
    assert onnx_file.TOLERANCE == 1e-3  # what docs/export.md says
