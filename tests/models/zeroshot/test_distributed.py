"""Two processes, one of them without any object, train without ``find_unused_parameters``."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TWO_PROCESSES = """
import sys
sys.path[:0] = ['.', 'tests']
import torch
from helpers.zeroshot_configs import detector, rpn_head
from mmdet.testing import demo_mm_inputs
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import distributed
from mmfewshot_seg.registry import MODELS
distributed.init_process_group('gloo')
rank = distributed.get_rank()
for background_grad in (False, True):
    torch.manual_seed(rank)
    model = MODELS.build(detector(rpn_head=rpn_head(background_grad=background_grad)))
    model.init_weights()
    ddp = MMDistributedDataParallel(model, find_unused_parameters=False)
    optimizer = OptimWrapper(torch.optim.SGD(ddp.parameters(), lr=1e-4))
    for _ in range(2):
        inputs = demo_mm_inputs(
            1, [(3, 64, 64)], num_classes=4, num_items=[3 * rank], with_mask=True
        )
        ddp.train_step(inputs, optimizer)
    own = torch.cat([p.detach().flatten() for p in model.parameters()]).double()
    others = [torch.zeros_like(own) for _ in range(2)]
    distributed.all_gather(others, own)
    background = model.roi_head.mask_head.class_vectors.background()
    bound = torch.equal(background, model.rpn_head.background_vector())
    found = [torch.equal(*others), own.isfinite().all().item(), bound]
    sys.stdout.write(f'RESULT {found}\\n')  # one write, for the other process writes too
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_two_processes_stay_equal(tmp_path) -> None:
    script = tmp_path / 'two.py'
    script.write_text(TWO_PROCESSES)
    launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2']
    run = subprocess.run([*launch, str(script)], cwd=ROOT, capture_output=True, text=True)
    lines = [x.partition('RESULT ')[2] for x in run.stdout.splitlines() if 'RESULT ' in x]
    assert lines == ['[True, True, True]'] * 4, run.stderr
