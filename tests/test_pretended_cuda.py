"""The pretended CUDA device itself: what it must refuse, allow and count, and where it ends."""

import numpy as np
import pytest
import torch
from helpers.fewshot_models import BACKBONE, HEADS
from helpers.pretended_cuda import PretendedTensor, pretended_cuda, same_on_cuda
from torch import nn

from mmfewshot_seg.models.fewshot import FewShotSegmentor, PANetHead
from mmfewshot_seg.structures import SupportState


@pytest.fixture
def cuda():
    with pretended_cuda() as cuda:
        yield cuda


MAKERS = {
    'moved': lambda: torch.ones(2).cuda(),
    'by name': lambda: torch.ones(2).to('cuda'),
    'zeros': lambda: torch.zeros(2, device='cuda'),
    'arange': lambda: torch.arange(2, device=torch.device('cuda', 0)),
    'tensor': lambda: torch.tensor([1, 2], device='cuda'),
    'as_tensor': lambda: torch.as_tensor([1.0], device='cuda'),
    'new_tensor': lambda: torch.ones(2).cuda().new_tensor([3]),
    'new_zeros': lambda: torch.ones(2).cuda().new_zeros(3),
    'in inference': lambda: torch.inference_mode()(lambda: torch.ones(2).to('cuda') + 1)(),
}


@pytest.mark.parametrize('name', MAKERS)
def test_ways_onto_the_device_and_back(cuda, name) -> None:
    made = MAKERS[name]()
    assert isinstance(made, PretendedTensor) and made.is_cuda and made.device.index == 0
    assert type(made.cpu()) is torch.Tensor and not made.cpu().is_cuda
    assert made.cpu().tolist() == made.tolist()


MISTAKES = {
    'sum': lambda x: x + torch.ones(3),
    'product': lambda x: torch.ones(3, 3) @ x,
    'one_element': lambda x: x + torch.ones(1),
    'joined': lambda x: torch.cat([x, torch.ones(3)]),
    'joined_numbers': lambda x: torch.stack([x[0], torch.tensor(1.0)]),
    'chosen': lambda x: torch.where(torch.ones(3, dtype=torch.bool), x, x),
    'gathered': lambda x: x.gather(0, torch.zeros(3, dtype=torch.long)),
    'cpu_by_cuda_index': lambda x: torch.ones(3)[x.long()],
    'number_of_cuda_on_cpu': lambda x: torch.ones(3) + x[0],
    'written': lambda x: torch.ones(3).add_(x),
    'in_place': lambda x: x.mul_(torch.ones(3)),
    'layer': lambda x: nn.Linear(3, 2)(x),
}


@pytest.mark.parametrize('name', MISTAKES)
def test_two_devices_are_refused(cuda, name) -> None:
    with pytest.raises(RuntimeError, match='cuda:0 and cpu'):
        MISTAKES[name](torch.ones(3).cuda())


def test_numpy_wants_the_cpu(cuda) -> None:
    for read in (lambda x: x.numpy(), np.asarray, lambda x: x.detach().numpy()):
        with pytest.raises(TypeError, match=r'Use Tensor.cpu\(\)'):
            read(torch.ones(2).cuda())


def test_what_cuda_allows_of_the_cpu(cuda) -> None:
    x = torch.arange(4.0).cuda()
    assert (x + torch.tensor(2.0)).tolist() == [2, 3, 4, 5]
    assert x[torch.tensor([2, 0])].tolist() == [2, 0]
    assert x[[1, 3]].tolist() == [1, 3]
    x[torch.tensor([True, False, False, True])] = 7
    assert x.tolist() == [7, 1, 2, 7]
    assert x.copy_(torch.ones(4)) is x and torch.zeros(4).copy_(x).tolist() == [1] * 4


def test_writing_in_place_keeps_the_tensor_and_its_views(cuda) -> None:
    x = torch.zeros(2, 3, device='cuda')
    row = x[1]
    assert row.add_(2) is row
    torch.add(row, 1, out=x[0])
    assert x.tolist() == [[3, 3, 3], [2, 2, 2]]


WAITS = {
    'item': (lambda x: x.sum().item(), 1),
    'condition': (lambda x: bool(x.any()), 1),
    'list': (lambda x: x.tolist(), 1),
    'copy': (lambda x: x.cpu(), 1),
    'from_the_host': (lambda x: torch.ones(2).to(x.device), 1),
    'new_numbers': (lambda x: x.new_tensor([1, 2]), 1),
    'places': (lambda x: x.nonzero(), 1),
    'by_a_mask': (lambda x: x[x > 1], 1),
    'written_by_a_mask': (lambda x: x.masked_fill_(x > 1, 0), 0),
    'number_by_a_mask': (lambda x: x.__setitem__(x > 1, 0), 0),
    'classes': (lambda x: torch.nn.functional.one_hot(x.long(), 3), 0),
    'sorted': (lambda x: x.sort().values.cumsum(0).clamp(min=1).max(), 0),
}


@pytest.mark.parametrize('name', WAITS)
def test_waits_are_counted_by_line(cuda, name) -> None:
    ask, count = WAITS[name]
    x = torch.arange(3.0).cuda()
    cuda.waits.clear()
    ask(x)
    assert cuda.waits.total() == count
    assert all(line.startswith('tests/test_pretended_cuda.py:') for line in cuda.waits)


def test_modules_move_and_autocast_goes_by_rules_of_cuda(cuda) -> None:
    layers = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)).to('cuda')
    assert all(isinstance(p, nn.Parameter) and p.is_cuda for p in layers.parameters())
    x = torch.rand(1, 2, 4, 4, device='cuda')
    with torch.autocast('cuda', torch.float16):
        assert layers(x).dtype == torch.float16 and x.softmax(1).dtype == torch.float32
        assert layers[0](x).half().softmax(1).dtype == torch.float32  # not so on the CPU
    assert all(type(p) is nn.Parameter for p in layers.cpu().parameters())


class WithoutDevice(PANetHead):
    """Forgets the device of its masks."""

    def prototypes(self, features, masks) -> SupportState:
        ways = torch.arange(1, masks.shape[1] + 1).view(1, -1, 1, 1, 1)
        weights = torch.stack([masks == 0, masks == ways], dim=3).float()
        return SupportState(prototypes=weights)


class WithoutCpu(PANetHead):
    """Reads masks as if they were on the CPU."""

    def prototypes(self, features, masks) -> SupportState:
        return super().prototypes(features, torch.from_numpy(masks.numpy()).to(masks.device))


@pytest.mark.parametrize(
    ('head', 'error', 'message'),
    [
        (WithoutDevice, RuntimeError, 'cuda:0 and cpu'),
        (WithoutCpu, TypeError, r'Use Tensor.cpu\(\)'),
    ],
)
def test_planted_mistakes_of_a_head_come_out(head, error, message) -> None:
    def run(device: str) -> torch.Tensor:
        model = FewShotSegmentor(BACKBONE, HEADS['panet'])
        model.decode_head = head()
        model.eval().to(device)
        masks = torch.ones(1, 2, 1, 32, 32, dtype=torch.long).to(device)
        state = model.fit_support(torch.rand(1, 2, 1, 3, 32, 32).to(device), masks)
        return state.prototypes

    run('cpu')
    with pytest.raises(error, match=message):
        same_on_cuda(run)


def test_other_numbers_on_the_device_come_out() -> None:
    with pytest.raises(AssertionError, match='not equal'):
        same_on_cuda(lambda device: torch.full((2,), device == 'cuda', device=device))
    with pytest.raises(AssertionError, match='nothing was computed on cuda'):
        same_on_cuda(lambda device: torch.ones(2))


def test_nothing_is_left_behind() -> None:
    with pretended_cuda():
        pass
    assert not torch.cuda.is_available() or torch.ones(1).cuda().is_cuda
    assert torch.backends.cudnn.enabled and torch.backends.cuda.flash_sdp_enabled()
