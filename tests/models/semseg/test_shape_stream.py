"""The edge stream: sizes, order, projection; the pyramid with its edge branch."""

import pytest
import torch

from mmfewshot_seg.models.semseg.edge_aspp import EdgeASPP
from mmfewshot_seg.models.semseg.shape_stream import ShapeStream, enlarge


def _levels(*channels: int) -> list[torch.Tensor]:
    return [torch.randn(2, c, 12 // n, 16 // n) for n, c in enumerate(channels, start=1)]


@pytest.mark.parametrize('shape_channels', [8, 6])
def test_edges_have_the_working_size(shape_channels) -> None:
    stream = ShapeStream(shape_channels, (5, 7), channels=(8, 4, 2))
    shape, *deep = _levels(shape_channels, 5, 7)
    for size in ((24, 32), (12, 16), (7, 9)):
        assert stream(size, shape, *deep).shape == (2, 1, *size)
    projected = any(key.startswith('project') for key in stream.state_dict())
    assert projected == (shape_channels != 8)


def test_block_then_reduction_then_gate() -> None:
    stream = ShapeStream(4, (5, 7), channels=(4, 3, 2)).eval()
    shape, *deep = _levels(4, 5, 7)
    size = (12, 16)
    x = shape
    for k, level in enumerate(deep):
        gating = enlarge(stream.gate_convs[k](level), size)
        x = stream.gates[k](stream.reductions[k](stream.blocks[k](x)), gating)
    torch.testing.assert_close(stream(size, shape, *deep), stream.edge(x))


def test_projection_before_enlarging_is_projection_after() -> None:
    stream = ShapeStream(6, (5,), channels=(4, 2)).eval()
    shape = torch.randn(1, 6, 5, 6)
    before = enlarge(stream.project(shape), (20, 24))
    torch.testing.assert_close(
        before, stream.project(enlarge(shape, (20, 24))), atol=1e-5, rtol=1e-4
    )


def test_corners_are_aligned_and_equal_sizes_cost_nothing() -> None:
    ramp = torch.arange(3.0).view(1, 1, 1, 3)
    assert enlarge(ramp, (1, 5)).flatten().tolist() == [0, 0.5, 1, 1.5, 2]
    assert enlarge(ramp, (1, 3)) is ramp


def test_widths_that_do_not_fit_the_gates_are_refused() -> None:
    with pytest.raises(ValueError, match=r'channels=\(8, 4\) .* expected 3, one more than the 2'):
        ShapeStream(8, (5, 7), channels=(8, 4))


def test_pyramid_is_image_edge_and_rates_in_this_order() -> None:
    aspp = EdgeASPP(6, 4, dilations=(1, 2)).eval()
    features, edge = torch.randn(2, 6, 5, 7), torch.rand(2, 1, 20, 28)
    image, of_edge, one, two = aspp(features, edge).split(4, dim=1)
    assert aspp.out_channels == 16
    pooled = features.mean((2, 3), keepdim=True)
    torch.testing.assert_close(image, aspp.image(pooled).expand(-1, -1, 5, 7))
    torch.testing.assert_close(of_edge[..., 0, 0], aspp.edge(edge[..., :1, :1])[..., 0, 0])
    torch.testing.assert_close(one, aspp.branches[0](features))
    torch.testing.assert_close(two, aspp.branches[1](features))
    assert aspp.branches[1].conv.dilation == (2, 2)
