"""Networks with a fitted support set as graphs, of PANet for any size of queries."""

import pytest
import torch
from helpers.fewshot_models import BACKBONE, HEADS
from helpers.graphs import needs_free_sizes

from mmfewshot_seg.models.fewshot import FewShotSegmentor

SIZES = ((48, 64), (80, 40))


class _Fitted(torch.nn.Module):
    """Queries (1, 2, 3, H, W) to logits, against a support set of two classes."""

    def __init__(self, head: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = FewShotSegmentor(backbone=BACKBONE, decode_head=HEADS[head]).eval()
        masks = torch.zeros(1, 2, 2, 64, 64, dtype=torch.int64)
        masks[:, 0, :, 8:50, 8:40], masks[:, 1, :, 20:60, 12:60] = 1, 2
        self.state = self.model.fit_support(torch.randn(1, 2, 2, 3, 64, 64), masks)

    def forward(self, query: torch.Tensor) -> torch.Tensor:
        return self.model.encode_decode(dict(query=query), state=self.state)


def _any_size() -> tuple[dict]:
    height, width = (torch.export.Dim(name, min=3, max=40) for name in ('height', 'width'))
    return ({3: 8 * height, 4: 8 * width},)


def _query(size: tuple[int, int]) -> torch.Tensor:
    return torch.randn(1, 2, 3, *size)


@needs_free_sizes
@torch.no_grad()
def test_exported_graph_serves_two_sizes() -> None:
    network = _Fitted('panet')
    graph = torch.export.export(network, (_query(SIZES[0]),), dynamic_shapes=_any_size())
    for query in map(_query, SIZES):
        torch.testing.assert_close(graph.module()(query), network(query))


@torch.no_grad()
@pytest.mark.filterwarnings('ignore')
def test_traced_graph_serves_two_sizes() -> None:
    network = _Fitted('panet')
    graph = torch.jit.trace(network, (_query(SIZES[0]),))
    for query in map(_query, SIZES):
        torch.testing.assert_close(graph(query), network(query))


@needs_free_sizes
@torch.no_grad()
def test_graph_of_asgnet_serves_its_size() -> None:
    """Its decoder pools to numbers of positions that follow from the size."""
    network = _Fitted('asgnet')
    graph = torch.export.export(network, (_query(SIZES[0]),))
    query = _query(SIZES[0])
    torch.testing.assert_close(graph.module()(query), network(query))


@needs_free_sizes
@torch.no_grad()
@pytest.mark.filterwarnings('ignore')
def test_onnx_graph_serves_two_sizes(tmp_path) -> None:
    pytest.importorskip('onnxscript')
    runtime = pytest.importorskip('onnxruntime')
    network, path = _Fitted('panet'), str(tmp_path / 'model.onnx')
    torch.onnx.export(
        network,
        (_query(SIZES[0]),),
        path,
        input_names=['query'],
        dynamic_shapes=_any_size(),
        dynamo=True,
        verbose=False,
    )
    session = runtime.InferenceSession(path)
    for query in map(_query, SIZES):
        logits = torch.from_numpy(session.run(None, dict(query=query.numpy()))[0])
        torch.testing.assert_close(logits, network(query), rtol=1e-4, atol=1e-4)
