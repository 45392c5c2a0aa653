"""Exported graphs in ONNX Runtime; the peer is the network in PyTorch, with as many threads.

Inputs are random and the same for both.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from mmfewshot_seg.apis.run_config import config_path

NAMES = dict(
    photograph='dense-matching_lite0-d8_photographs', semantic='danet_lite0-d16_1xb4-1k_camvid'
)
SIZES = dict(photograph=(288, 384), semantic=(360, 480))


def query(side: str, device: str, tiny: bool) -> Callable[[], object]:
    """Encoder and dense matching of a photograph, against five supports."""
    from mmfewshot_seg.export.fewshot_graphs import query_graph

    model, size = _model('photograph'), (64, 96) if tiny else SIZES['photograph']
    image = torch.randn(1, 3, *size)
    masks = torch.zeros(1, 1, 5, *size, dtype=torch.int64)
    masks[..., size[0] // 4 : -size[0] // 4, size[1] // 4 : -size[1] // 4] = 1
    state = model.fit_support(torch.randn(1, 1, 5, 3, *size), masks)
    if side == 'peer':
        return torch.no_grad()(lambda: model.encode_decode(dict(query=image[None]), state=state))
    inputs = dict(image=image, features=state.features, weights=state.weights)
    return _in_runtime('photograph', query_graph, inputs)


def semantic(side: str, device: str, tiny: bool) -> Callable[[], object]:
    """DANet on EfficientNet-Lite0 on an image of CamVid."""
    from mmfewshot_seg.export.semantic_graph import semantic_graph

    size = (64, 96) if tiny else SIZES['semantic']
    image = torch.randn(1, 3, *size)
    if side == 'ours':
        return _in_runtime('semantic', semantic_graph, dict(image=image))
    model = _model('semantic')
    return torch.no_grad()(lambda: model.encode_decode(image, [dict(img_shape=size)]))


@cache
def _model(name: str) -> nn.Module:
    config = Config.fromfile(config_path(NAMES[name]))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(config.model).eval()


@cache
def _graph(name: str, make: Callable) -> Callable[..., object]:
    from mmfewshot_seg.runtime import OnnxGraph

    with TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder, 'graph.onnx')
        make(_model(name), (64, 96)).write(path, dict(kind='benchmark'))
        return OnnxGraph(path, threads=torch.get_num_threads())


def _in_runtime(name: str, make: Callable, inputs: dict) -> Callable[[], object]:
    graph, arrays = _graph(name, make), {key: value.numpy() for key, value in inputs.items()}
    return lambda: graph(**arrays)
