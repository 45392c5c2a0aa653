"""What importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_python(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, cwd=ROOT)


def test_import_is_cheap_and_leaves_torch_alone() -> None:
    code = "import mmfewshot_seg, sys; print([m for m in ('torch', 'mmcv') if m in sys.modules])"
    microseconds = []
    for _ in range(3):  # other processes can slow one down
        run = run_python('-X', 'importtime', '-c', code)
        assert run.stdout.strip() == '[]', run.stderr
        line = next(
            x for x in run.stderr.splitlines() if x.split('|')[-1].strip() == 'mmfewshot_seg'
        )
        microseconds.append(int(line.split('|')[1]))
    assert min(microseconds) < 0.3e6


SEGMENT = """
import sys
import tempfile
from pathlib import Path

import mmseg.models  # brings parts of MMDetection where it is installed
import numpy as np

before = set(sys.modules)
sys.path.insert(0, 'tests')
from helpers.fewshot_models import fewshot_inferencer

image = np.zeros((64, 64, 3), np.uint8)
image[16:48, 16:48] = 255
with tempfile.TemporaryDirectory() as folder:
    inferencer = fewshot_inferencer(Path(folder))
    inferencer.set_support([image], [image[..., 0] > 0], ['square'])
    inferencer(image, out_dir=folder, out_formats=['png', 'labelme'])
print(sorted({'.'.join(name.split('.')[:2]) for name in set(sys.modules) - before}))
"""


@pytest.mark.slow
def test_few_shot_model_leaves_data_sets_and_metrics_of_detection_alone() -> None:
    run = run_python('-c', SEGMENT)
    assert run.returncode == 0, run.stderr
    imported = ast.literal_eval(run.stdout.splitlines()[-1])
    assert {'mmfewshot_seg.apis', 'mmseg.datasets'} <= set(imported)
    unwanted = {'datasets', 'evaluation', 'visualization', 'apis', 'engine'}
    assert not {f'mmdet.{name}' for name in unwanted}.intersection(imported)
