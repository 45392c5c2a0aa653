"""The visualizers of few-shot segmentation do not need mmcv's compiled ops."""

import subprocess
import sys

import pytest

CODE = """
import sys
sys.modules['mmcv._ext'] = None
import mmfewshot_seg.visualization as visualization
print(visualization.__all__)
try:
    visualization.RefineMaskVisualizer
except ImportError as error:
    print(error)
try:
    visualization.Nothing
except AttributeError as error:
    print(error)
"""


@pytest.mark.slow
def test_only_pictures_of_detection_need_compiled_ops() -> None:
    run = subprocess.run([sys.executable, '-c', CODE], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    names = "['EpisodeVisualizationHook', 'EpisodeVisualizer']"
    assert f"{names}\nRefineMaskVisualizer needs mmcv's compiled ops" in run.stdout
    assert run.stdout.endswith("module 'mmfewshot_seg.visualization' has no attribute 'Nothing'\n")
