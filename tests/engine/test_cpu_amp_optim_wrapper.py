"""Training in bfloat16 on the CPU, as a config asks for it."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from torch import nn


class Line(BaseModel):
    """Learns a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.dtypes = []

    def forward(self, inputs, mode: str) -> dict:
        found = self.layer(inputs)
        self.dtypes.append(found.dtype)
        return dict(loss=(found.float() - 3).square().mean())


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'mmfewshot_seg.CpuAmpOptimWrapper'])
def test_losses_are_computed_in_bfloat16_and_weights_learn_in_float32(wrapper) -> None:
    torch.manual_seed(0)
    model = Line()
    config = ConfigDict(
        type=wrapper, optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=9.0)
    )
    optimizer = build_optim_wrapper(model, config)
    for _ in range(60):
        log = model.train_step(dict(inputs=torch.ones(4, 1)), optimizer)
    dtype = torch.float32 if wrapper == 'OptimWrapper' else torch.bfloat16
    assert set(model.dtypes) == {dtype}
    assert model.layer.weight.dtype == torch.float32
    assert log['loss'] < 1e-3
    assert model(torch.ones(1, 1), mode='loss')['loss'].isfinite()
    assert model.dtypes[-1] == torch.float32  # validation is not in mixed precision
