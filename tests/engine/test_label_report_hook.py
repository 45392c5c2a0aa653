"""What is said of the first batch, once."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmfewshot_seg.registry import HOOKS


class _Head(nn.Module):
    num_classes, ignore_index = 4, 255


def runner_of(decode_head: nn.Module, messages: list[str]) -> SimpleNamespace:
    model = nn.Module()
    model.decode_head = decode_head
    return SimpleNamespace(model=model, logger=SimpleNamespace(info=messages.append))


def batch_of(*labels: list[int]) -> dict:
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.tensor([[row]]))) for row in labels]
    return dict(inputs=[], data_samples=samples)


@pytest.mark.parametrize('head', [_Head(), nn.ModuleList([nn.Identity(), _Head()])])
def test_labels_of_the_first_batch_are_told_once(head) -> None:
    hook, messages = HOOKS.build(dict(type='mmfewshot_seg.LabelReportHook')), []
    hook.before_train_iter(runner_of(head, messages), 0, batch_of([0, 3, 255], [3, 3]))
    hook.before_train_iter(runner_of(head, messages), 1, batch_of([9]))
    assert messages == ['First batch: 2 of 4 classes, [0, 3]; ignored (255): 20.0% of the pixels']


def test_labels_outside_the_classes_end_the_training() -> None:
    hook = HOOKS.build(dict(type='mmfewshot_seg.LabelReportHook'))
    with pytest.raises(ValueError, match=r'labels \[7\] are outside the 4 classes'):
        hook.before_train_iter(runner_of(_Head(), []), 0, batch_of([0, 7]))
