"""What importing the package costs."""

import subprocess
import sys

import pytest


def run_python(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True)


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


@pytest.mark.slow
def test_few_shot_inferencers_leave_data_sets_of_detectors_alone() -> None:
    """They take a quarter of the time that the imports of an inferencer take."""
    code = (
        'import sys\nfrom mmfewshot_seg.apis import FewShotInferencer\n'
        "print([m for m in ('mmdet.datasets', 'imgaug', 'matplotlib.pyplot') if m in sys.modules])"
    )
    run = run_python('-W', 'ignore', '-c', code)
    assert run.stdout.splitlines()[-1:] == ['[]'], run.stderr
