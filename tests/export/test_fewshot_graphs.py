"""Few-shot networks, exported, give the masks of the inferencer of PyTorch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.fewshot_models import HEADS, fewshot_config
from helpers.graphs import needs_exporter
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
from mmfewshot_seg.apis import FewShotInferencer  # noqa: E402
from mmfewshot_seg.export.fewshot_graphs import export_fewshot, of_head  # noqa: E402
from mmfewshot_seg.models.fewshot import BaseFewShotHead  # noqa: E402
from mmfewshot_seg.runtime import OnnxFewShotInferencer  # noqa: E402

ROOT = Path(__file__).parents[2]
LONG_SIDE = dict(type='mmfewshot_seg.ResizeLongSide', long_side=96)
SQUARE = dict(type='Resize', scale=(64, 64), keep_ratio=False)
STEPS = dict(panet=[LONG_SIDE], dense_matching=[LONG_SIDE], asgnet=[SQUARE])
# Height, width and name of supports; the last image is the query.
SHAPES = [(70, 90, 'cat'), (90, 50, 'cat'), (60, 60, 'dog'), (75, 110, None)]


def build(cfg):
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MODELS.build(cfg.model).eval()


@pytest.fixture(scope='module')
def photographs(tmp_path_factory):
    """Folder of images and masks; one mask has pixels that are not annotated."""
    folder, rng = tmp_path_factory.mktemp('photographs'), np.random.default_rng(0)
    for number, (height, width, _) in enumerate(SHAPES):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(folder / f'{number}.png')
        mask = np.zeros((height, width), np.uint8)
        mask[height // 8 : height // 2, width // 4 : -width // 4] = 1
        mask[height // 2 : height // 2 + 3] = 255 if number == 1 else 0
        Image.fromarray(mask).save(folder / f'{number}_mask.png')
    return folder


def support_set(folder: Path) -> tuple[list, list, list]:
    names = [name for *_, name in SHAPES[:3]]
    images, masks = (
        [str(folder / f'{number}{end}.png') for number in range(3)] for end in ('', '_mask')
    )
    return images, masks, names


def predicted_by_pytorch(cfg, model, folder: Path, tmp_path: Path) -> dict:
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    inferencer = FewShotInferencer(cfg, tmp_path / 'weights.pth', device='cpu', show_progress=False)
    inferencer.set_support(*support_set(folder))
    return inferencer(str(folder / '3.png'))['predictions'][0]


RUN = """
import sys
for name in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmseg', 'timm', 'onnx'):
    sys.modules[name] = None
import numpy as np
from mmfewshot_seg.runtime import OnnxFewShotInferencer
exported, query, out, *supports = sys.argv[1:]
images, masks, names = (supports[part::3] for part in range(3))
inferencer = OnnxFewShotInferencer(exported, threads=1)
inferencer.set_support(images, masks, names)
np.savez(out, **inferencer(query))
assert all(sys.modules[name] is None for name in ('torch', 'mmcv', 'mmengine'))
"""


def predicted_without_pytorch(exported: Path, folder: Path, tmp_path: Path) -> dict:
    """In a process that cannot import PyTorch or a host."""
    supports = [word for triple in zip(*support_set(folder), strict=True) for word in triple]
    out = tmp_path / 'result.npz'
    command = [sys.executable, '-c', RUN, exported, folder / '3.png', out, *supports]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
    return dict(np.load(out))


@needs_exporter
@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize('head', HEADS)
def test_masks_without_pytorch_are_those_of_the_inferencer(head, photographs, tmp_path) -> None:
    cfg = fewshot_config(*STEPS[head], head=head)
    cfg.model.test_cfg = dict(refine='grabcut' if head == 'dense_matching' else None)
    model, exported = build(cfg), tmp_path / 'exported'
    exported.mkdir()
    graphs = export_fewshot(model, cfg, exported, dict(model=head, classes=None), None)
    expected = predicted_by_pytorch(cfg, model, photographs, tmp_path)
    found = predicted_without_pytorch(exported, photographs, tmp_path)
    np.testing.assert_allclose(found['scores'], expected['scores'], atol=2e-3)
    assert (found['label_map'] != expected['label_map']).mean() < 1e-3
    if head == 'asgnet':
        assert graphs['query'].size == graphs['support'].size == (64, 64)
    else:
        assert graphs['query'].size is None and graphs['query'].size_divisor <= 8
    meta = OnnxFewShotInferencer(exported).query_graph.meta
    assert (meta['ways'], meta['shots'], meta['channel_order']) == ('any', 'any', 'RGB')
    assert meta['mean'] == [120.0] * 3 and meta['head'] == type(model.decode_head).__name__


@torch.no_grad()
def test_head_that_is_not_known_is_refused() -> None:
    class Other(BaseFewShotHead):
        prototypes = join = scores = loss = None

    with pytest.raises(ValueError, match='Other cannot be exported; there are PANetHead, ASGNet'):
        of_head(Other())


def test_thinned_supports_are_refused() -> None:
    cfg = fewshot_config(head='dense_matching')
    cfg.model.decode_head.max_positions = 10
    model = build(cfg)
    with pytest.raises(ValueError, match=r'max_positions=10.*decode_head.max_positions=None'):
        of_head(model.decode_head)
