"""The lean convolution equals the plain one over the guide's feature map."""

import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.models.fewshot import guided_conv
from mmfewshot_seg.models.fewshot.guided_conv import GuidedConv


@pytest.mark.parametrize('kernel_size', [1, 3])
def test_equals_a_convolution_of_the_concatenation(kernel_size) -> None:
    torch.manual_seed(0)
    queries, ways, count, channels, size = 2, 3, 4, 5, (6, 7)
    conv = GuidedConv(channels, 8, kernel_size)
    query = torch.randn(queries, channels, *size, requires_grad=True)
    prototypes = torch.randn(queries, ways, count, channels)
    guide = torch.randint(count, (queries, ways, *size))
    similarity = torch.randn(queries, ways, 1, *size, requires_grad=True)
    allocation = F.one_hot(guide, count).movedim(-1, 2).float()
    out = conv(query, prototypes, allocation, similarity)

    guides = torch.einsum('mnpc,mnphw->mnchw', prototypes, allocation)
    whole = torch.cat([query.unsqueeze(1).expand_as(guides), guides, similarity], dim=2)
    expected = F.conv2d(whole.flatten(0, 1), conv.weight, padding=kernel_size // 2)
    torch.testing.assert_close(out, expected)
    inputs = (query, similarity, conv.weight)
    weights = torch.randn_like(out)
    ours, theirs = (torch.autograd.grad((y * weights).sum(), inputs) for y in (out, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('kernel_size', [1, 3])
def test_form_for_graphs_is_the_same(monkeypatch, kernel_size) -> None:
    torch.manual_seed(0)
    conv = GuidedConv(5, 8, kernel_size)
    inputs = [
        torch.randn(2, *shape) for shape in ((5, 6, 7), (3, 4, 5), (3, 4, 6, 7), (3, 1, 6, 7))
    ]
    expected = conv(*inputs)
    monkeypatch.setattr(guided_conv, 'is_recorded', lambda: True)
    torch.testing.assert_close(conv(*inputs), expected, rtol=1e-4, atol=1e-5)
