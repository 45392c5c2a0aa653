"""Losses of Gated-SCNN: by hand, at their limits, and what is refused."""

from math import exp, log

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import FCNHead
from mmseg.structures import SegDataSample

from mmfewshot_seg.models.semseg import (
    BalancedEdgeLoss,
    DualTaskLoss,
    EdgeAttentionLoss,
    PerImageWeightedCrossEntropy,
)
from mmfewshot_seg.models.semseg.dual_task_loss import boundary_magnitude, dual_task_loss
from mmfewshot_seg.models.semseg.per_image_weighted_cross_entropy import class_weights

LABELS = torch.tensor([[[0, 0, 0, 2], [255, 255, 255, 255]], [[1, 1, 1, 1], [1, 1, 1, 1]]])


def _logits(num_classes: int = 3, labels: torch.Tensor = LABELS) -> torch.Tensor:
    torch.manual_seed(0)
    shape = (len(labels), num_classes, *labels.shape[1:])
    return torch.randn(shape, requires_grad=True)


def test_rare_classes_of_an_image_weigh_more() -> None:
    expected = torch.tensor([[1.25, 1, 1.75], [1, 1, 1]])
    torch.testing.assert_close(class_weights(LABELS, 3), expected)
    torch.testing.assert_close(class_weights(LABELS, 3, bound=2)[0, 2], torch.tensor(2.5))
    shared = torch.tensor([1 + 9 / 12, 1 + 4 / 12, 1 + 11 / 12])
    torch.testing.assert_close(class_weights(LABELS, 3, batch_weighting=True), shared.expand(2, -1))


def test_segmentation_loss_by_hand() -> None:
    logits = torch.zeros(2, 3, 2, 4)
    logits[0, 2, 0, 3] = log(2)  # the pixel of class 2: probability 1/2
    first = (3 * 1.25 * log(3) + 1.75 * log(2)) / (3 * 1.25 + 1.75)
    loss = PerImageWeightedCrossEntropy(loss_weight=0.5)(logits, LABELS)
    assert loss.item() == pytest.approx(0.5 * (first + log(3)), rel=1e-6)


@pytest.mark.parametrize('num_classes', [3, 200])
def test_loss_of_a_batch_is_the_sum_of_its_images(num_classes) -> None:
    logits, loss = _logits(num_classes), PerImageWeightedCrossEntropy()
    apart = sum(loss(logits[i : i + 1], LABELS[i : i + 1]) for i in range(2))
    torch.testing.assert_close(loss(logits, LABELS), apart)


def test_weight_of_pixels_is_a_factor() -> None:
    logits, loss = _logits(), PerImageWeightedCrossEntropy()
    half = loss(logits, LABELS, weight=torch.full(LABELS.shape, 0.5))
    torch.testing.assert_close(half, loss(logits, LABELS) / 2)


@pytest.mark.parametrize(
    'loss', [PerImageWeightedCrossEntropy(), DualTaskLoss(), DualTaskLoss(spatial=False)]
)
def test_ignored_images_give_no_nan(loss) -> None:
    labels = torch.full((2, 2, 4), 255)
    logits = _logits(labels=labels)
    value = loss(logits, labels)
    value.backward()
    assert value.isfinite() and (logits.grad == 0).all()


def test_labels_outside_the_classes_are_refused() -> None:
    logits = _logits(2)
    for loss in (PerImageWeightedCrossEntropy(), DualTaskLoss()):
        with pytest.raises(ValueError, match=r'labels \[2\] are outside the 2 classes'):
            loss(logits, LABELS)


def test_edges_and_the_rest_have_equal_say() -> None:
    edges = torch.tensor([[[1, 0, 0, 255]], [[0, 0, 0, 0]]])
    logits = torch.zeros(2, 1, 1, 4, requires_grad=True)
    loss = BalancedEdgeLoss()(logits, edges)
    assert loss.item() == pytest.approx(20 * 2 * (6 / 7) * log(2) / 8, rel=1e-6)  # 1 and 6 of 7
    loss.backward()
    assert logits.grad.sum().abs() < 1e-6  # the pull of the edge and of the others cancels
    assert logits.grad[0, 0, 0, 3] == 0


def test_edges_without_any_or_all_ignored_give_zero() -> None:
    for value in (0, 255):
        logits = torch.zeros(1, 1, 2, 2, requires_grad=True)
        loss = BalancedEdgeLoss()(logits, torch.full((1, 1, 2, 2), value))
        loss.backward()
        assert loss == 0 and (logits.grad == 0).all()


def test_double_sigmoid_is_that_of_probabilities() -> None:
    edges, logits = torch.tensor([[[1, 0]]]), torch.tensor([[[[3.0, -1.0]]]])
    probabilities = [1 / (1 + exp(-3)), 1 / (1 + exp(1))]
    expected = 20 * 0.25 * (log(1 + exp(-probabilities[0])) + log(1 + exp(probabilities[1])))
    loss = BalancedEdgeLoss(double_sigmoid=True)(logits, edges)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_attention_looks_at_predicted_edges_alone() -> None:
    logits, edge_logits = _logits(), torch.full((2, 1, 2, 4), -5.0, requires_grad=True)
    loss = EdgeAttentionLoss()
    nothing = loss(logits, LABELS, edge_logits)
    nothing.backward()
    assert nothing == 0 and (logits.grad == 0).all()
    with torch.no_grad():
        edge_logits[0, 0, 0, 3] = 5
    pixel = F.cross_entropy(logits[:1, :, 0, 3], LABELS[:1, 0, 3])
    found = loss(logits, LABELS, edge_logits)
    torch.testing.assert_close(found, pixel)
    found.backward()
    assert edge_logits.grad is None
    with pytest.raises(ValueError, match='threshold=1.5'):
        EdgeAttentionLoss(threshold=1.5)


def test_magnitude_of_a_spike() -> None:
    maps = torch.zeros(1, 1, 21, 21)
    maps[0, 0, 10, 10] = 25
    magnitude = boundary_magnitude(maps)
    triangle = torch.tensor([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0.0]) / 5
    slope = (triangle[2:] - triangle[:-2]) / 2
    # Across the middle row: the slope along it; none across it, for it is the ridge.
    row = (slope.square() + 1e-6).sqrt()
    torch.testing.assert_close(magnitude[0, 0, 10, 6:15] * _peak(maps), row, atol=1e-5, rtol=1e-4)
    assert magnitude.max() == 1


def _peak(maps: torch.Tensor) -> float:
    """Greatest magnitude, found by convolution with the kernels of the filter's derivative."""
    triangle = torch.tensor([1, 2, 3, 4, 5, 4, 3, 2, 1.0]) / 25
    slope = F.pad(triangle, (2, 0)) - F.pad(triangle, (0, 2))
    kernels = [torch.outer(F.pad(triangle, (1, 1)), slope / 2)]
    kernels.append(kernels[0].T)
    gradients = [F.conv2d(maps, kernel[None, None], padding=5) for kernel in kernels]
    return (sum(g.square() for g in gradients) + 1e-6).sqrt().max().item()


def test_borders_are_mirrored() -> None:
    """A constant map has no gradient but at the border, where zeros follow."""
    magnitude = boundary_magnitude(torch.ones(1, 1, 6, 9)) * (0.5 + 1e-6) ** 0.5
    assert magnitude[0, 0, 1:-1, 1:-1].max() < 2e-3
    torch.testing.assert_close(magnitude[0, 0, 0, 1:-1], torch.full((7,), 0.5), atol=1e-3, rtol=0)


@pytest.mark.parametrize('spatial', [True, False])
@pytest.mark.parametrize('threshold', [None, 0.1])
def test_a_perfect_prediction_has_no_dual_loss(spatial, threshold) -> None:
    labels = torch.randint(0, 4, (2, 12, 14), generator=torch.manual_seed(0))
    perfect = 100 * F.one_hot(labels, 4).movedim(-1, 1).float()
    assert dual_task_loss(perfect, labels, None, spatial, threshold=threshold) < 1e-6
    assert dual_task_loss(-perfect, labels, None, spatial, threshold=threshold) > 1e-2


def test_noise_is_drawn_anew() -> None:
    logits, loss = _logits(), DualTaskLoss()
    assert loss(logits, LABELS) != loss(logits, LABELS)
    assert DualTaskLoss(noise=False)(logits, LABELS) == dual_task_loss(logits, LABELS)
    with pytest.raises(ValueError, match='temperature=0'):
        DualTaskLoss(temperature=0)


@pytest.mark.parametrize(
    'loss',
    [
        PerImageWeightedCrossEntropy(loss_weight=0.5),
        DualTaskLoss(noise=False, loss_weight=0.5),
        DualTaskLoss(noise=False, threshold=0.1),
        EdgeAttentionLoss(threshold=0.0),
        BalancedEdgeLoss(),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_losses_by_pixel(loss) -> None:
    """Ignored pixels have none, and weights are factors; other reductions are refused."""
    logits, labels, more = _logits(), LABELS, {}
    if isinstance(loss, BalancedEdgeLoss):
        logits, labels = _logits(1), LABELS.where(LABELS == 255, LABELS % 2)
    if isinstance(loss, EdgeAttentionLoss):
        more = dict(edge_logits=torch.zeros(2, 1, 2, 4))
    found = loss(logits, labels, reduction_override='none', **more)
    assert found.shape == labels.shape
    if not isinstance(loss, DualTaskLoss):
        assert (found[labels == 255] == 0).all() and (found[labels != 255] > 0).all()
    twice = loss(
        logits, labels, weight=torch.full(labels.shape, 2.0), reduction_override='none', **more
    )
    torch.testing.assert_close(twice, 2 * found)
    if isinstance(loss, BalancedEdgeLoss) or getattr(loss, 'threshold', 0) is None:
        torch.testing.assert_close(found.mean(), loss(logits, labels))
    with pytest.raises(ValueError, match="reduction_override='mean', expected None or 'none'"):
        loss(logits, labels, reduction_override='mean', **more)


def test_classes_have_weights() -> None:
    logits = _logits()
    factors = torch.tensor([1.0, 2.0, 5.0])
    pixels = F.cross_entropy(logits, LABELS, ignore_index=255, reduction='none')
    expected = 0
    for image, share, labels in zip(pixels, class_weights(LABELS, 3), LABELS, strict=True):
        known = labels != 255
        weights = (share * factors)[labels[known]]
        expected = expected + (image[known] * weights).sum() / weights.sum()
    for kind, more in (
        (PerImageWeightedCrossEntropy, {}),
        (EdgeAttentionLoss, dict(edge_logits=torch.full((2, 1, 2, 4), 9.0))),
    ):
        loss = kind(class_weight=factors.tolist())
        torch.testing.assert_close(loss(logits, LABELS, **more), expected)
    with pytest.raises(ValueError, match='class_weight has 2 factors, but there are 3 classes'):
        PerImageWeightedCrossEntropy(class_weight=[1, 2])(logits, LABELS)


def test_weights_of_classes_may_be_small() -> None:
    """What is divided by is the sum of the weights, however small that is."""
    logits = _logits()
    large, small = (
        PerImageWeightedCrossEntropy(class_weight=[scale] * 3)(logits, LABELS)
        for scale in (1.0, 1e-4)
    )
    torch.testing.assert_close(large, small)
    ignored = torch.full_like(LABELS, 255)
    assert PerImageWeightedCrossEntropy(class_weight=[1e-4] * 3)(logits, ignored) == 0


@pytest.mark.parametrize('num_outputs', [1, 3])
@pytest.mark.filterwarnings('ignore:threshold is not defined')
def test_losses_serve_any_head(num_outputs) -> None:
    head = FCNHead(
        in_channels=4,
        channels=4,
        num_classes=3 if num_outputs == 3 else 2,
        out_channels=num_outputs,
        num_convs=1,
        loss_decode=[
            dict(type='mmfewshot_seg.PerImageWeightedCrossEntropy'),
            dict(type='mmfewshot_seg.DualTaskLoss'),
        ],
    )
    labels = LABELS[:1] if num_outputs == 3 else LABELS[:1].clamp(max=1)
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    losses = head.loss((torch.randn(1, 4, 2, 4),), [sample], {})
    assert set(losses) == {'loss_ce', 'loss_dual', 'acc_seg'}
