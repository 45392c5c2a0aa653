"""Proposals by words: order of the channels, the background vector, its initialisation."""

import pytest
import torch
from helpers.zeroshot_configs import WORD_DIM, rpn_head, vectors
from mmengine.config import ConfigDict
from torch import nn

from mmfewshot_seg.registry import MODELS, TASK_UTILS

SIZES = [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1)]


def build(**options) -> nn.Module:
    torch.manual_seed(0)
    head = MODELS.build(rpn_head(word_dim=WORD_DIM, **options))
    head.set_background(torch.tensor(vectors(1)[0]))
    head.init_weights()
    return head


def test_rows_begin_as_object_and_background() -> None:
    rows = build().vec_fb.weight.flatten(1)
    torch.testing.assert_close(rows[1::2], torch.tensor(vectors(1)).expand(3, -1))
    assert 0.7 < rows[::2].std() < 1.3  # N(0, 1)
    assert not torch.equal(rows[0], rows[2])


def test_initialising_again_changes_nothing() -> None:
    head = build()
    with torch.no_grad():
        head.vec_fb.weight.fill_(3)
    head.init_weights()
    assert (head.vec_fb.weight == 3).all()


def test_background_vector_is_the_mean_over_anchors() -> None:
    head = build()
    with torch.no_grad():
        head.vec_fb.weight[1::2] = torch.tensor([1.0, 2.0, 6.0]).view(3, 1, 1, 1)
    assert head.background_vector().tolist() == [3.0] * WORD_DIM
    assert not head.background_vector().requires_grad


def test_background_with_gradient() -> None:
    head = build(background_grad=True)
    head.background_vector().sum().backward()
    gradient = head.vec_fb.weight.grad[:, 0].flatten()
    torch.testing.assert_close(gradient, torch.tensor([0.0, 1 / 3] * 3))


def test_proposals_are_scored_as_objects() -> None:
    """Where the words are those of objects, the score is high."""
    head = build().eval()
    with torch.no_grad():
        for parameter in (*head.rpn_conv.parameters(), *head.rpn_cls_conv_T.parameters()):
            parameter.zero_()
        head.rpn_cls_conv_T.bias[0] = 1
        head.vec_fb.weight.zero_()
        head.vec_fb.weight[::2, 0] = 4  # objects have the first number
        levels = [torch.randn(1, 16, *size) for size in SIZES]
        cfg = ConfigDict(nms_pre=9, max_per_img=5, nms=dict(type='nms', iou_threshold=0.7))
        (found,) = head.predict_by_feat(*head(levels), None, [dict(img_shape=(32, 32))], cfg)
    torch.testing.assert_close(found.scores, torch.tensor(4.0).sigmoid().expand(len(found)))


def test_several_convolutions() -> None:
    scores, deltas = build(num_convs=2)([torch.randn(1, 16, *size) for size in SIZES])
    assert [tuple(s.shape) for s in scores[:2]] == [(1, 6, 8, 8), (1, 6, 4, 4)]
    assert deltas[0].shape == (1, 12, 8, 8)


def test_anchors_of_old_are_one_pixel_wider() -> None:
    """The 1.x anchor of stride 4 covers the pixels -14 to 17, both inside: 32 pixels."""
    config = dict(type='mmfewshot_seg.V1AnchorGenerator', scales=[8], ratios=[1.0], strides=[4])
    anchors = TASK_UTILS.build(config).grid_priors([(1, 2)], device='cpu')[0]
    assert anchors.tolist() == [[-14, -14, 18, 18], [-10, -14, 22, 18]]


def test_sigmoid_is_refused() -> None:
    with pytest.raises(ValueError, match='use_sigmoid=True, expected False'):
        build(loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True))
