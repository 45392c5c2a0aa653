"""Zero-shot tests of what does not fit end with one line and status 2, before any image is read."""

from pathlib import Path

import pytest
import torch
from helpers.tool_calls import start_tool
from helpers.zeroshot_data import write_own

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/zsi/zsi_r50_fpn_1x_own-coco.py'
SMALL = [
    'model.backbone.depth=18',
    'model.backbone.base_channels=8',
    'model.backbone.init_cfg=None',
    'model.neck.in_channels=[8,16,32,64]',
    'model.roi_head.bbox_head.fc_out_channels=16',
]
OTHER = dict(classes=('cat', 'zebra'))
MISTAKES = {
    'mode': (
        ['model.test_cfg.rcnn.mode=seen'],
        "the data set 2; label 0 is 'traffic light' here and 'dog' there",
    ),
    'views': (['--tta'], '--tta: the config defines no tta_pipeline'),
    'checkpoint': ([], 'the checkpoint was trained on other data: the model has 3 classes, the'),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', MISTAKES)
def test_told_in_a_line(name, tmp_path) -> None:
    write_own(tmp_path / 'mine')
    torch.save(dict(meta=dict(dataset_meta=OTHER), state_dict={}), tmp_path / 'model.pth')
    options, message = MISTAKES[name]
    command = ['test.py', CONFIG, 'model.pth', '--cfg-options', *SMALL, *options]
    run = start_tool(tmp_path, *command, code=2, OWN_COCO=str(tmp_path / 'mine'))
    (line,) = [line for line in run.stderr.splitlines() if line.startswith('test: ')]
    assert message in line and 'Traceback' not in run.stderr
