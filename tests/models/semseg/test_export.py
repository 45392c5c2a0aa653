"""Dual attention and joint upsampling as graphs for any size of image."""

import pytest
import torch
from helpers.graphs import needs_free_sizes

from mmfewshot_seg.models.semseg import DualAttentionHead, JointPyramidUpsampling

CHANNELS = dict(head=(16,), neck=(6, 10, 14))


class _OfTensors(torch.nn.Module):
    """Takes the features as arguments of their own, as graphs want it."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.module(features)


def _model(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    if name == 'neck':
        model = JointPyramidUpsampling(CHANNELS[name], 8, out='pyramid', out_channels=4, num_outs=3)
    else:
        model = DualAttentionHead(in_channels=16, channels=16, num_classes=5)
        torch.nn.init.constant_(model.pam.gamma.scale, 0.7)
        torch.nn.init.constant_(model.cam.gamma.scale, 0.4)
    return _OfTensors(model).eval()


def _features(name: str, height: int, width: int) -> tuple[torch.Tensor, ...]:
    """Levels of which each is half as large as the one before."""
    return tuple(
        torch.randn(1, channels, height >> level, width >> level)
        for level, channels in enumerate(CHANNELS[name])
    )


@needs_free_sizes
@pytest.mark.parametrize('name', CHANNELS)
def test_exported_graph_serves_two_sizes(name) -> None:
    Dim = torch.export.Dim
    model, coarsest = _model(name), len(CHANNELS[name]) - 1
    height, width = Dim('height', min=4, max=64), Dim('width', min=4, max=64)
    shapes = tuple(
        {2: height * 2**finer, 3: width * 2**finer} if finer else {2: height, 3: width}
        for finer in range(coarsest, -1, -1)
    )
    graph = torch.export.export(model, _features(name, 16, 24), dynamic_shapes=(shapes,))
    for size in ((16, 24), (32, 40)):
        features = _features(name, *size)
        torch.testing.assert_close(graph.module()(*features), model(*features))


@needs_free_sizes
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', CHANNELS)
def test_onnx_graph_serves_two_sizes(name, tmp_path) -> None:
    runtime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnx')
    model, path = _model(name), str(tmp_path / 'model.onnx')
    names = [f'level{level}' for level in range(len(CHANNELS[name]))]
    torch.onnx.export(
        model,
        _features(name, 16, 24),
        path,
        input_names=names,
        dynamic_axes={level: {2: f'{level}_height', 3: f'{level}_width'} for level in names},
        dynamo=False,
    )
    session = runtime.InferenceSession(path)
    for size in ((16, 24), (32, 40)):
        features = _features(name, *size)
        inputs = dict(zip(names, (level.numpy() for level in features), strict=True))
        outputs = map(torch.from_numpy, session.run(None, inputs))
        torch.testing.assert_close(tuple(outputs), model(*features), rtol=1e-4, atol=1e-5)
