"""The oracle of the RefineMask benchmark agrees with ours: logits, losses, gradients, targets."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

from mmdet.structures.mask import BitmapMasks  # noqa: E402

from mmfewshot_seg.models.refinemask import RefineMaskHead  # noqa: E402

FOLDER = Path(__file__).parents[2] / 'tools/analysis_tools'
SETTINGS = dict(
    num_classes=5,
    in_channels=12,
    num_convs_instance=1,
    num_convs_semantic=2,
    instance_channels=32,
    semantic_channels=8,
    stage_sup_size=(7, 14, 28, 56),
)


@pytest.fixture
def naive(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks import naive_refinemask

    return naive_refinemask


@pytest.fixture
def refinemask(naive):
    from benchmarks import refinemask

    return refinemask


def _heads(naive, **options) -> list[RefineMaskHead]:
    torch.manual_seed(0)
    heads = [kind(**SETTINGS, **options) for kind in (RefineMaskHead, naive.NaiveRefineMaskHead)]
    heads[0].init_weights()
    heads[1].load_state_dict(heads[0].state_dict())
    return heads


def _rois() -> torch.Tensor:
    """Of two images of 48 x 64, also over their borders."""
    boxes = [[0, 1, 2, 30, 40], [0, 20.5, 10.2, 64, 48], [1, -3, -2, 25, 30], [1, 8, 8, 17, 60]]
    return torch.tensor(boxes, dtype=torch.float32)


@pytest.mark.parametrize('classes', [(5, 5, 5, 5), (5, 5, 5, 1), (1, 5, 1, 5)])
def test_heads_agree(naive, classes) -> None:
    features, level = torch.randn(4, 12, 7, 7), torch.randn(2, 12, 12, 16)
    labels = torch.tensor([4, 0, 2, 2])
    targets = [(torch.rand(4, size, size) < 0.5).float() for size in (7, 14, 28, 56)]
    semantic_target = (torch.rand(2, 12, 16) < 0.5).float()
    outputs = []
    for head in _heads(naive, stage_num_classes=classes):
        inputs = [features.clone().requires_grad_(), level.clone().requires_grad_()]
        logits, semantic = head(*inputs, _rois(), labels)
        losses = head.loss_mask(logits, targets, semantic, semantic_target)
        gradients = torch.autograd.grad(sum(losses.values()), [*inputs, *head.parameters()])
        outputs.append(([*logits, semantic], losses, gradients))
    (logits, losses, gradients), (oracle_logits, oracle_losses, oracle_gradients) = outputs
    assert [tuple(stage.shape) for stage in logits[:2]] == [(4, 1, 7, 7), (4, 1, 14, 14)]
    assert all(stage.std() > 1e-3 for stage in logits)
    torch.testing.assert_close(logits, oracle_logits, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses, oracle_losses, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients, oracle_gradients, rtol=1e-3, atol=1e-5)


def test_targets_agree(naive) -> None:
    random = np.random.default_rng(0)
    gt_masks = []
    for _ in range(2):
        blobs = random.integers(2, size=(3, 6, 8), dtype=np.uint8)
        gt_masks.append(BitmapMasks(blobs.repeat(8, axis=1).repeat(8, axis=2), 48, 64))
    sampled = [
        SimpleNamespace(pos_priors=boxes, pos_assigned_gt_inds=torch.tensor([2, 0]))
        for boxes in _rois()[:, 1:].split(2)
    ]
    truth = [SimpleNamespace(masks=masks) for masks in gt_masks]
    ours, oracle = (
        [
            *head.get_targets(sampled, truth),
            head.semantic_target(torch.zeros(2, 1, 12, 16), gt_masks),
        ]
        for head in _heads(naive)
    )
    assert [len(target) for target in ours] == [4, 4, 4, 4, 2]
    assert all(0 < target.mean() < 1 for target in ours)
    torch.testing.assert_close(ours, oracle, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('builder', 'options'),
    [
        ('inference', (80, False)),
        ('inference', (1203, True)),
        ('training', (80, False)),
        ('training', (1203, True)),
        ('targets', (12,)),
        ('targets', (40,)),
    ],
)
def test_both_sides_of_a_case_compute_the_same(refinemask, builder, options) -> None:
    ours, peer = (
        getattr(refinemask, builder)(side, 'cpu', True, *options)() for side in ('ours', 'peer')
    )
    torch.testing.assert_close(ours, peer, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('method', 'shape'), [('fcn', (2, 28, 28)), ('pointrend', (2, 80, 224, 224))]
)
def test_heads_of_other_methods_give_their_logits(refinemask, method, shape) -> None:
    ours, peer = (
        refinemask.inference_beside(side, 'cpu', True, method)() for side in ('ours', 'peer')
    )
    assert ours.shape == (2, 1, 112, 112)
    assert peer.shape == shape
