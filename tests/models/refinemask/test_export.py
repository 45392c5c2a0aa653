"""The mask head as a graph for any number of RoIs and any size of image."""

from io import BytesIO

import pytest
import torch
from helpers.refinemask_configs import CHANNELS, mask_head, simple_mask_head

from mmfewshot_seg.models.refinemask.stage_merge import merge_stages
from mmfewshot_seg.registry import MODELS


class _Predict(torch.nn.Module):
    """Features and RoIs to the merged logits of the class of each RoI."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = MODELS.build(config).eval()
        for parameter in self.head.parameters():
            torch.nn.init.normal_(parameter, std=0.2)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return merge_stages(self.head(*inputs)[0])


def _inputs(count: int, height: int, width: int) -> tuple[torch.Tensor, ...]:
    corners = torch.rand(count, 2) * torch.tensor([width, height]) * 2
    rois = torch.cat([torch.zeros(count, 1), corners, corners + 30], 1)
    rois[1::2, 0] = 1
    features = torch.randn(count, CHANNELS, 7, 7), torch.randn(2, CHANNELS, height, width)
    return *features, rois, torch.arange(count) % 4


@torch.no_grad()
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('config', [mask_head(), simple_mask_head()], ids=['published', 'simple'])
def test_traced_graph_serves_other_numbers_and_sizes(config) -> None:
    model = _Predict(config)
    graph = torch.jit.trace(model, _inputs(3, 24, 32), check_trace=False)
    buffer = BytesIO()
    torch.jit.save(graph, buffer)
    buffer.seek(0)
    graph = torch.jit.load(buffer)
    for case in ((3, 24, 32), (7, 40, 20)):
        inputs = _inputs(*case)
        torch.testing.assert_close(graph(*inputs), model(*inputs))
