"""WideResNet-38: its levels, its size, and how its blocks are wired."""

import pytest
import torch

from mmfewshot_seg.models.semseg import WideResNet38
from mmfewshot_seg.models.semseg.wide_resnet38 import WideBlock


def test_levels_have_their_strides_and_channels() -> None:
    backbone = WideResNet38(base_channels=2, out_indices=range(7)).eval()
    levels = backbone(torch.randn(1, 3, 48, 64))
    assert [48 // level.shape[2] for level in levels] == [1, 2, 4, 8, 8, 8, 8]
    assert [level.shape[1] for level in levels] == [2, 4, 8, 16, 32, 64, 128]
    fewer = WideResNet38(base_channels=2, out_indices=(2, 0))
    assert [level.shape[1] for level in fewer(torch.randn(1, 3, 48, 64))] == [8, 2]
    assert not any(key.startswith('stage4') for key in fewer.state_dict())


def test_as_many_parameters_as_published() -> None:
    with torch.device('meta'):
        backbone = WideResNet38()
    assert sum(p.numel() for p in backbone.parameters()) / 1e6 == pytest.approx(105.06, abs=0.005)


def test_identity_reads_the_input_and_projection_the_first_norm() -> None:
    x = torch.randn(2, 4, 8, 8)
    for channels, stride in (((6, 4), 1), ((6, 5), 1), ((6, 4), 2), ((2, 3, 8), 1)):
        block = WideBlock(4, channels, stride=stride).eval()
        torch.nn.init.zeros_(block.convs[-1].weight)
        if block.project is None:
            torch.testing.assert_close(block(x), x)
        else:
            torch.testing.assert_close(block(x), block.project(block.norms[0](x).relu()))
        assert (block.project is None) == (channels[-1] == 4 and stride == 1)


def test_whole_channels_are_dropped_before_the_last_convolution() -> None:
    block = WideBlock(4, (8, 8, 4), dropout=0.5)
    seen = []
    block.convs[-1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    block(torch.randn(1, 4, 6, 6))
    dropped = (seen[0] == 0).flatten(2).all(-1)
    assert 0 < dropped.sum() < 8


def test_input_is_left_as_it_is() -> None:
    x = torch.randn(1, 4, 5, 5)
    before = x.clone()
    WideBlock(4, (4, 4))(x)
    assert (x == before).all()


def test_frozen_levels_are_not_trained() -> None:
    backbone = WideResNet38(base_channels=2, frozen_stages=1).train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    sum(level.mean() for level in backbone(torch.randn(2, 3, 32, 32))).backward()
    for name, value in backbone.named_parameters():
        assert (value.grad is None) == name.startswith(('stem.', 'stage2.')), name
    for name, value in backbone.named_buffers():
        assert (value == before[name]).all() == name.startswith('stage2.'), name


def test_norms_may_keep_their_statistics_in_training() -> None:
    backbone = WideResNet38(base_channels=2, norm_eval=True).train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    backbone(torch.randn(1, 3, 8, 8))
    assert all((value == before[name]).all() for name, value in backbone.named_buffers())
    assert backbone.stage7.block1.dropout.training


def test_checkpointed_blocks_have_the_same_gradients() -> None:
    image, found = torch.randn(2, 3, 16, 16), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        backbone = WideResNet38(base_channels=2, with_cp=with_cp).train()
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, sizes=sizes: sizes.append(x.numel()) or x, lambda x: x
        ):
            torch.manual_seed(1)  # of the dropout
            levels = backbone(image)
        sum(level.square().mean() for level in levels).backward()
        found.append(([value.grad for value in backbone.parameters()], sum(sizes)))
    torch.testing.assert_close(found[0][0], found[1][0])
    assert found[1][1] < 0.5 * found[0][1]


def test_levels_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match='out_indices=3, expected a sequence'):
        WideResNet38(out_indices=3)
    with pytest.raises(ValueError, match='frozen_stages=7: expected a level, 0 to 6, or -1'):
        WideResNet38(frozen_stages=7)
    with pytest.raises(ValueError, match=r'out_indices \(7,\): expected 0 to 6'):
        WideResNet38(out_indices=(7,))
