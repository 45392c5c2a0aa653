"""Inferencers on a pretended CUDA device: answers of the CPU, supports that move between both."""

import numpy as np
import pytest
from helpers.fewshot_models import HEADS, fewshot_config, save_weights
from helpers.pretended_cuda import pretended_cuda
from helpers.zeroshot_runs import write_own_run

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.datasets.drawn import draw_scene


def _scene(seed: int, size: tuple) -> tuple[np.ndarray, np.ndarray]:
    scene = draw_scene(*size, [[0]], np.random.RandomState(seed))
    return scene.image, scene.label_map == 1


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('refine', [None, 'guided'])
def test_few_shot(tmp_path, head, refine) -> None:
    config = fewshot_config(head=head)
    config.model.test_cfg = dict(refine=refine)
    weights = save_weights(config, tmp_path / 'weights.pth')
    shots = [_scene(0, (64, 64)), _scene(1, (50, 91))]
    images, masks = zip(*shots, strict=True)
    query = _scene(9, (60, 70))[0]

    def inferencer(device: str) -> FewShotInferencer:
        return FewShotInferencer(config, weights, device, show_progress=False)

    def scores(inferencer: FewShotInferencer) -> np.ndarray:
        return inferencer(query)['predictions'][0]['scores']

    on_cpu = inferencer('cpu').set_support(images, masks, ['cat', 'dog'])
    on_cpu.save_support(tmp_path / 'cpu.pth')
    expected = scores(on_cpu)
    with pretended_cuda() as cuda:
        on_cuda = inferencer('cuda').set_support(images, masks, ['cat', 'dog'])
        on_cuda.save_support(tmp_path / 'cuda.pth')
        found = [scores(on_cuda), scores(inferencer('cuda').load_support(tmp_path / 'cpu.pth'))]
        assert cuda.waits
    found.append(scores(inferencer('cpu').load_support(tmp_path / 'cuda.pth')))
    for each in found:
        np.testing.assert_allclose(each, expected, atol=1e-5)


def test_zero_shot(tmp_path) -> None:
    inferencers = pytest.importorskip('mmfewshot_seg.apis.zeroshot_inferencer', reason='needs ops')
    write_own_run(tmp_path)
    image = np.random.RandomState(0).randint(0, 256, (96, 80, 3), np.uint8)

    def predictions(device: str) -> dict:
        arguments = tmp_path / 'generalized.py', tmp_path / 'weights.pth'
        inferencer = inferencers.ZeroShotInferencer(*arguments, device=device, show_progress=False)
        return inferencer(image)['predictions'][0]

    expected = predictions('cpu')
    with pretended_cuda() as cuda:
        found = predictions('cuda')
        assert cuda.waits
    assert found['labels'] == expected['labels']
    np.testing.assert_allclose(found['scores'], expected['scores'], atol=1e-5)
    np.testing.assert_allclose(found['bboxes'], expected['bboxes'], atol=1e-2)
