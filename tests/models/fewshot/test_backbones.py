"""Strides, signs and key names of the two backbones."""

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmseg.models.backbones import ResNet
from torch import nn

from mmfewshot_seg.models.fewshot import PANetVGG, SignedResNet


@pytest.mark.parametrize(('size', 'expected'), [(417, 53), (97, 13), (64, 8)])
def test_vgg_has_stride_8_and_signed_features(size, expected) -> None:
    model = PANetVGG(depth=11)
    with torch.no_grad():
        (features,) = model(torch.randn(1, 3, size, 33))
    assert features.shape == (1, 512, expected, 5)
    assert features.min() < 0


def test_vgg_keys_are_those_of_torchvision() -> None:
    torchvision = pytest.importorskip('torchvision', reason='compares with torchvision')
    expected = torchvision.models.vgg16(weights=None).features.state_dict()
    ours = PANetVGG().features.state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in expected.items()}


def test_vgg_starts_from_a_file(tmp_path) -> None:
    source = PANetVGG(depth=11)
    torch.save(source.state_dict(), tmp_path / 'vgg.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'vgg.pth'))
    model = PANetVGG(depth=11, init_cfg=init_cfg)
    model.init_weights()
    assert all(
        torch.equal(value, source.state_dict()[k]) for k, value in model.state_dict().items()
    )


def test_frozen_blocks_are_not_trained() -> None:
    model = PANetVGG(depth=11, frozen_stages=2)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert 'features.0.weight' not in trained and 'features.3.weight' not in trained
    assert 'features.6.weight' in trained


@pytest.mark.parametrize('depth', [18, 50])
def test_signed_resnet_is_resnet_without_the_last_relu(depth) -> None:
    torch.manual_seed(0)
    config = dict(
        depth=depth, num_stages=3, strides=(1, 2, 1), dilations=(1, 1, 2), out_indices=(0, 1, 2)
    )
    ours, theirs = SignedResNet(**config), ResNet(**config)
    ours.eval()
    theirs.eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 40, 33)
    with torch.no_grad():
        signed, rectified = ours(images), theirs(images)
    assert signed[-1].min() < 0
    torch.testing.assert_close(signed[:-1], rectified[:-1])
    torch.testing.assert_close(signed[-1].relu(), rectified[-1])


@pytest.mark.parametrize('depth', [18, 50])
def test_signed_resnet_survives_the_conversion_of_norms(depth) -> None:
    model = SignedResNet(depth=depth, base_channels=8, stem_channels=8)
    model.eval()
    images = torch.randn(2, 3, 33, 33)
    with torch.no_grad():
        expected = model(images)[-1]
        converted = revert_sync_batchnorm(nn.SyncBatchNorm.convert_sync_batchnorm(model))
        converted.eval()  # torch 2.1 makes norms that train
        torch.testing.assert_close(converted(images)[-1], expected)
