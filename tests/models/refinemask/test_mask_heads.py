"""Both mask heads: shapes, labels, stages, precision, memory layout, and what is refused."""

from types import SimpleNamespace

import pytest
import torch
from helpers.refinemask_configs import mask_head, simple_mask_head
from mmdet.structures.mask import BitmapMasks
from mmengine.registry import DefaultScope
from torch import nn

from mmfewshot_seg.models.refinemask import RefineMaskHead, SimpleRefineMaskHead
from mmfewshot_seg.registry import MODELS

CONFIGS = [mask_head, simple_mask_head]


def build(config: dict, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    head = MODELS.build(config)
    for name, parameter in head.named_parameters():
        nn.init.normal_(parameter, std=0.1 if name.endswith('bias') else 0.2)
    return head.eval()


def inputs(num_rois: int = 3, size: int = 7) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    rois = torch.tensor([[0, 2, 3, 40, 44.0], [1, 0, 0, 64, 48], [1, 20, 8, 31, 30]])
    labels = torch.tensor([3, 0, 2])
    features, level = torch.randn(3, 16, size, size), torch.randn(2, 16, 12, 16)
    return features[:num_rois], level, rois[:num_rois], labels[:num_rois]


@pytest.mark.parametrize('config', CONFIGS)
def test_logits_of_every_stage(config) -> None:
    logits, semantic_logits = build(config())(*inputs())
    assert [value.shape for value in logits] == [(3, 1, s, s) for s in (7, 14, 28, 56)]
    if config is mask_head:
        assert semantic_logits.shape == (2, 1, 12, 16)
    else:
        assert semantic_logits is None


@pytest.mark.parametrize('config', CONFIGS)
def test_a_roi_does_not_depend_on_the_others(config) -> None:
    head, (features, level, rois, labels) = build(config()), inputs()
    together = head(features, level, rois, labels)[0]
    order = torch.tensor([2, 0])
    for all_rois, some in zip(
        together, head(features[order], level, rois[order], labels[order])[0], strict=True
    ):
        torch.testing.assert_close(all_rois[order], some)


@pytest.mark.parametrize('config', CONFIGS)
def test_channels_last_gives_the_same(config) -> None:
    head, (features, level, rois, labels) = build(config()), inputs()
    expected = head(features, level, rois, labels)[0]
    last = dict(memory_format=torch.channels_last)
    found = head.to(**last)(features.to(**last), level.to(**last), rois, labels)[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('agnostic', range(4))
def test_labels_are_clamped_in_agnostic_stages_only(config, agnostic: int) -> None:
    classes = [1 if stage == agnostic else 4 for stage in range(4)]
    head, (features, level, rois, _) = build(config(stage_num_classes=classes)), inputs()
    maps = head.semantic_maps(level)
    by_label = [
        head.stage_logits(features, maps, rois, torch.full((3,), label)) for label in (1, 3)
    ]
    assert torch.equal(by_label[0][0], by_label[1][0]) == (agnostic == 0)
    assert torch.isfinite(by_label[1][-1]).all()


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('sizes', [(7, 14), (7, 14, 28, 56, 112)])
def test_other_numbers_of_stages(config, sizes: tuple) -> None:
    weights = dict(stage_instance_loss_weight=[1.0] * len(sizes), start_stage=1)
    kind = 'Refine' if config is mask_head else 'BAR'
    loss = dict(weights, type=f'mmfewshot_seg.{kind}CrossEntropyLoss')
    head = build(config(stage_sup_size=sizes, instance_channels=64, loss_mask=loss))
    logits, semantic_logits = head(*inputs())
    assert [value.shape[-1] for value in logits] == list(sizes)
    losses = head.loss_and_target((logits, semantic_logits), *sampled())['loss_mask']
    assert all(torch.isfinite(value) for value in losses.values())


def sampled(num_rois: int = 3) -> tuple[list, list]:
    """Sampling results and ground truth of two images, as RoI heads pass them."""
    _, _, rois, labels = inputs(num_rois)
    bitmaps = torch.zeros(2, 48, 64).numpy().astype('uint8')
    bitmaps[0, 5:40, 4:30] = bitmaps[1, 10:20, 22:60] = 1
    results = [
        SimpleNamespace(
            pos_priors=rois[rois[:, 0] == image][:, 1:],
            pos_assigned_gt_inds=torch.arange(int((rois[:, 0] == image).sum())) % 2,
            pos_gt_labels=labels[rois[:, 0] == image],
        )
        for image in range(2)
    ]
    return results, [SimpleNamespace(masks=BitmapMasks(bitmaps, 48, 64)) for _ in range(2)]


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('num_rois', [3, 0])
def test_every_parameter_gets_a_gradient(config, num_rois: int) -> None:
    head = build(config()).train()
    found = head.loss_and_target(head(*inputs(num_rois)), *sampled(num_rois))
    losses = found['loss_mask']
    assert [target.shape for target in found['mask_targets']] == [
        (num_rois, size, size) for size in head.stage_sup_size
    ]
    sum(losses.values()).backward()
    assert [n for n, p in head.named_parameters() if p.grad is None] == []
    assert all(p.grad.isfinite().all() for p in head.parameters())
    if num_rois == 0:
        assert losses['loss_instance'] == 0


@pytest.mark.parametrize('config', CONFIGS)
def test_without_gradients_the_same(config) -> None:
    head = build(config())
    expected = head(*inputs())[0]
    with torch.no_grad():
        torch.testing.assert_close(head(*inputs())[0], expected)


@pytest.mark.parametrize('config', CONFIGS)
def test_bfloat16_step_is_finite(config) -> None:
    head = build(config()).train()
    with torch.autocast('cpu', torch.bfloat16):
        features, level, rois, labels = inputs()
        predictions = head(features.bfloat16(), level.bfloat16(), rois, labels)
        losses = head.loss_and_target(predictions, *sampled())['loss_mask']
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in head.parameters())
    exact = head.loss_and_target(head(*inputs()), *sampled())['loss_mask']
    for name, loss in losses.items():
        torch.testing.assert_close(loss, exact[name], rtol=0.05, atol=0)


def test_no_objects_make_an_empty_semantic_target() -> None:
    logits = torch.zeros(2, 1, 12, 16)
    head = build(mask_head())
    target = head.semantic_target(logits, [BitmapMasks([], 48, 64)] * 2)
    assert target.shape == (2, 12, 16) and not target.any()


def test_semantic_target_is_padded_to_what_the_logits_cover() -> None:
    head, masks = build(mask_head()), BitmapMasks(torch.ones(1, 40, 50).numpy(), 40, 50)
    target = head.semantic_target(torch.zeros(1, 1, 12, 16), [masks])[0]
    assert target[:10, :12].all() and not target[10:].any() and not target[:, 13:].any()


def test_defaults_build_in_no_scope_with_the_official_size() -> None:
    DefaultScope._instance_dict.clear()
    with torch.device('meta'):
        assert sum(p.numel() for p in RefineMaskHead().parameters()) == 6_407_003
        simple = SimpleRefineMaskHead(stage_num_classes=[80, 80, 80, 1])
    names = {name.rpartition('.')[0] for name, _ in simple.named_parameters()}
    assert {'stages.2.fuse_conv.1.merge_conv.conv', 'stage_instance_logits.3'} <= names
    assert not any('semantic_logits' in name or 'transform_out' == name for name in names)


def test_initial_values() -> None:
    head = MODELS.build(mask_head())
    head.init_weights()
    conv = head.stages[0].fuse_conv[0]
    assert not conv.bias.any()
    fan_out_std = (2 / conv.out_channels) ** 0.5
    assert conv.weight.std().item() == pytest.approx(fan_out_std, rel=0.1)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(stage_sup_size=(7, 14, 21, 42)), r'stage_sup_size=\(7, 14, 21, 42\), expected two'),
        (dict(stage_sup_size=(7,)), 'two sizes or more, each twice the one before'),
        (dict(stage_num_classes=[4, 4, 4]), r'for each of the 4 stages num_classes=4, or 1'),
        (dict(stage_num_classes=[4, 4, 4, 3]), r'stage_num_classes=\(4, 4, 4, 3\)'),
        (dict(instance_channels=16), 'instance_channels=16, expected more than 16'),
        (dict(num_convs_semantic=0), 'num_convs_semantic=0, expected at least 1'),
        (
            dict(
                loss_mask=dict(
                    type='mmfewshot_seg.RefineCrossEntropyLoss', stage_instance_loss_weight=[1, 1]
                )
            ),
            r'loss_mask has 2 weights \(1, 1\), expected one for each of the 4 stages',
        ),
    ],
)
def test_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODELS.build(mask_head(**options))
