"""Memory of a large image, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path

import cv2
import numpy as np
from helpers.fewshot_models import fewshot_inferencer

folder = Path(sys.argv[1])
image = np.random.RandomState(0).randint(0, 255, (40, 60, 3)).astype(np.uint8)
cv2.imwrite(str(folder / 'large.jpg'), cv2.resize(image, (6000, 4000)))
mask = np.zeros((40, 60), np.uint8)
mask[10:30, 20:40] = 1
inferencer = fewshot_inferencer(folder).set_support(image, mask, 'cat')
inferencer.refine = 'guided'
options = dict(tile_size=1024, num_workers=2, out_dir=str(folder / 'out'), return_datasamples=True)
(batch,) = inferencer.stream(folder / 'large.jpg', **options)
assert batch['predictions'][0].pred_sem_seg.data.shape == (1, 4000, 6000)
# Of this program alone: ru_maxrss begins with that of the process that started it.
status = Path('/proc/self/status').read_text().split('\\n')
print(next(line.split()[1] for line in status if line.startswith('VmHWM')))
"""


@pytest.mark.slow
def test_24_million_pixels_within_two_gigabytes(tmp_path) -> None:
    """Imports, image, scores, label map and picture together."""
    if not Path('/proc/self/status').exists():
        pytest.skip('Linux says how much memory a process took')
    command = [sys.executable, '-c', PROGRAM, str(tmp_path)]
    tests = str(Path(__file__).parents[1])
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, env=_environment(tests)
    )
    assert int(ran.stdout.split()[-1]) / 2**20 < 2


def _environment(tests: str) -> dict[str, str]:

    return dict(os.environ, PYTHONPATH=os.pathsep.join([tests, *sys.path]), OMP_NUM_THREADS='1')
