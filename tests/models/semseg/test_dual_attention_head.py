"""The attentions and the head of DANet against mmseg's, and what ours has beyond it."""

import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.structures import PixelData
from mmseg.models.decode_heads import DAHead
from mmseg.models.decode_heads.da_head import CAM, PAM
from mmseg.structures import SegDataSample

from mmfewshot_seg.models.semseg import ChannelAttention, DualAttentionHead, PositionAttention
from mmfewshot_seg.registry import MODELS

SETTINGS = dict(in_channels=12, channels=16, norm_cfg=dict(type='BN'))
OFFICIAL = {
    'pam_in_conv.conv': 'conv5a.0',
    'pam_in_conv.bn': 'conv5a.1',
    'cam_in_conv.conv': 'conv5c.0',
    'cam_in_conv.bn': 'conv5c.1',
    'pam_out_conv.conv': 'conv51.0',
    'pam_out_conv.bn': 'conv51.1',
    'cam_out_conv.conv': 'conv52.0',
    'cam_out_conv.bn': 'conv52.1',
    'pam.query_project': 'sa.query_conv',
    'pam.key_project': 'sa.key_conv',
    'pam.value_project': 'sa.value_conv',
    'pam.gamma': 'sa.gamma',
    'cam.gamma': 'sc.gamma',
    'pam_conv_seg': 'conv6.1',
    'cam_conv_seg': 'conv7.1',
    'conv_seg': 'conv8.1',
}


def _official(state_dict: dict) -> dict:
    """The official layout of one of mmseg's; scales are vectors of one."""
    converted = {}
    for key, value in state_dict.items():
        module, name = key.rsplit('.', 1)
        if name == 'scale':
            converted[OFFICIAL[module]] = value.reshape(1)
        else:
            converted[f'{OFFICIAL[module]}.{name}'] = value
    return converted


def _heads(**options) -> tuple[DualAttentionHead, DAHead]:
    torch.manual_seed(0)
    options = dict(SETTINGS, num_classes=5, pam_channels=2) | options
    peer, ours = DAHead(**options), DualAttentionHead(**options)
    for parameter in peer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours.load_state_dict(peer.state_dict())
    return ours.eval(), peer.eval()


def _features(**options) -> tuple[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (torch.randn(2, 12, 17, 19, generator=generator, **options),)


def _samples(num_classes: int) -> list[SegDataSample]:
    labels = torch.arange(2 * 34 * 38).view(2, 1, 34, 38) % (num_classes + 1)
    labels[labels == num_classes] = 255
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


def _values_and_gradients(module, inputs) -> list[torch.Tensor]:
    output = module(inputs)
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    return [output, inputs.grad, *(parameter.grad for parameter in module.parameters())]


def test_attentions_are_those_of_mmseg() -> None:
    torch.manual_seed(0)
    for ours, peer in ((PositionAttention(16, 2), PAM(16, 2)), (ChannelAttention(), CAM())):
        for parameter in peer.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        ours.load_state_dict(peer.state_dict())
        names = [name for name, _ in ours.named_parameters()]
        peer_names = [name for name, _ in peer.named_parameters()]
        x = torch.randn(2, 16, 17, 19)
        found = _values_and_gradients(ours, x.clone().requires_grad_())
        expected = _values_and_gradients(peer, x.clone().requires_grad_())
        expected = expected[:2] + [expected[2 + peer_names.index(name)] for name in names]
        for value, target in zip(found, expected, strict=True):
            torch.testing.assert_close(value, target, rtol=1e-4, atol=1e-3)


def test_attention_starts_as_identity() -> None:
    x = torch.randn(1, 16, 5, 4)
    for module in (PositionAttention(16, 2), ChannelAttention()):
        torch.testing.assert_close(module(x), x, rtol=0, atol=0)


def test_channel_attention_by_hand() -> None:
    """Products [[4, 2], [2, 1]]: each channel looks for the one least like it."""
    module = ChannelAttention()
    torch.nn.init.ones_(module.gamma.scale)
    x = torch.tensor([2.0, 1.0]).view(1, 2, 1, 1)
    weights = torch.softmax(torch.tensor([[-4.0, -2.0], [-2.0, -1.0]]), dim=1)
    expected = x.flatten() + weights @ x.flatten()
    torch.testing.assert_close(module(x).flatten(), expected)
    assert weights[0, 1] > weights[0, 0] and weights[1, 1] > weights[1, 0]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_channel_attention_of_half_precision(dtype) -> None:
    """Products that are too large for half precision; mmseg's are infinite."""
    module = ChannelAttention()
    torch.nn.init.constant_(module.gamma.scale, 0.5)
    x = torch.randn(1, 4, 64, 64).mul(20).to(dtype)
    assert x.float().square().sum() > 4 * torch.finfo(torch.float16).max
    expected = module(x.float())
    torch.testing.assert_close(module(x).float(), expected, rtol=2e-2, atol=2e-2)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(module(x.float()), expected)


def test_logits_and_losses_are_those_of_mmseg() -> None:
    ours, peer = _heads()
    torch.testing.assert_close(ours(_features()), peer(_features()), rtol=1e-4, atol=1e-4)
    losses, expected = (head.loss(_features(), _samples(5), None) for head in (ours, peer))
    assert sorted(losses) == sorted(expected)
    assert [name for name in losses if 'loss' in name] == [
        'pam_cam.loss_ce',
        'pam.loss_ce',
        'cam.loss_ce',
    ]
    torch.testing.assert_close(losses, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings('ignore')
def test_operations_are_counted_as_those_of_mmseg() -> None:
    counts = []
    for head in _heads():
        head.forward = lambda x, call=head.forward: call((x,))
        counts.append(get_model_complexity_info(head, inputs=_features()[0])['flops'])
    assert counts[0] == counts[1] > 2 * 2 * (17 * 19) ** 2 * 16


def test_official_checkpoint_loads_alone_and_in_a_network() -> None:
    ours, peer = _heads()
    official = _official(peer.state_dict())
    network = MODELS.build(
        dict(
            type='mmseg.EncoderDecoder',
            backbone=dict(type='mmseg.ResNet', depth=18, base_channels=8, out_indices=(3,)),
            decode_head=dict(
                SETTINGS, type='mmfewshot_seg.DualAttentionHead', num_classes=5, pam_channels=2
            ),
        )
    )
    prefixed = {f'decode_head.{key}': value for key, value in official.items()}
    prefixed |= {f'backbone.{k}': v for k, v in network.backbone.state_dict().items()}
    fresh = DualAttentionHead(**SETTINGS, num_classes=5)
    fresh.load_state_dict(official)
    network.load_state_dict(prefixed)
    for head in (fresh.eval(), network.decode_head.eval()):
        torch.testing.assert_close(head(_features()), ours(_features()))
    assert set(official) == set(_official(peer.state_dict()))  # left as it was


def test_prediction_is_the_fused_one_and_computes_no_other() -> None:
    ours, _ = _heads(align_corners=True)
    fused = ours(_features())[0]
    expected = torch.nn.functional.interpolate(fused, (34, 38), mode='bilinear', align_corners=True)
    ours.pam_conv_seg = ours.cam_conv_seg = None
    metas = [dict(img_shape=(34, 38))] * 2
    torch.testing.assert_close(ours.predict(_features(), metas, {}), expected)


def test_queries_have_an_eighth_of_the_channels_by_default() -> None:
    assert len(DualAttentionHead(**SETTINGS, num_classes=3).pam.query_project.weight) == 2


def test_all_classifiers_start_small() -> None:
    head = DualAttentionHead(64, in_channels=4, channels=512, num_classes=19)
    head.init_weights()
    for name in ('conv_seg', 'pam_conv_seg', 'cam_conv_seg'):
        assert 0.009 < getattr(head, name).weight.std() < 0.011


@pytest.mark.filterwarnings('ignore:For binary segmentation')
def test_one_output_for_two_classes() -> None:
    """mmseg's has two position and channel outputs then, which its loss refuses."""
    loss = dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True)
    head = DualAttentionHead(
        **SETTINGS, num_classes=2, out_channels=1, threshold=0.5, loss_decode=loss
    )
    assert [logits.shape[1] for logits in head(_features())] == [1, 1, 1]
    losses = head.loss(_features(), _samples(2), None)
    assert all(value.isfinite() for value in losses.values())


@pytest.mark.filterwarnings('ignore:threshold is not defined')
def test_one_output_has_binary_losses_by_default() -> None:
    head = DualAttentionHead(**SETTINGS, num_classes=2, out_channels=1)
    losses = head.loss(_features(), _samples(2), None)
    assert all(value > 0 for name, value in losses.items() if 'loss' in name)
    with pytest.raises(ValueError, match='loss_decode: CrossEntropyLoss .* use_sigmoid=True'):
        DualAttentionHead(
            **SETTINGS,
            num_classes=2,
            out_channels=1,
            loss_decode=dict(type='mmseg.CrossEntropyLoss'),
        )


def test_norms_may_keep_their_statistics_in_training() -> None:
    """For one image at a time, say."""
    head = DualAttentionHead(**SETTINGS, num_classes=3, norm_eval=True).train()
    before = {name: value.clone() for name, value in head.named_buffers()}
    head((torch.randn(2, 12, 5, 5),))
    assert before and all((value == before[name]).all() for name, value in head.named_buffers())
    assert head.training and head.dropout.training
    assert all(parameter.requires_grad for parameter in head.parameters())


@pytest.mark.parametrize(
    ('options', 'channels', 'message'),
    [
        (dict(), (12, 7), r'in_channels=12, but in_index=-1 has \[7\] channels'),
        (dict(in_index=2), (12, 12), 'in_index=2, but the backbone or neck gives 2 levels'),
        (dict(in_index=-3), (12, 12), 'in_index=-3, but .* 2 levels'),
        (
            dict(in_channels=[5, 7], in_index=[0, 1], input_transform='resize_concat'),
            (5, 8),
            r'in_channels=12, but in_index=\[0, 1\] has \[5, 8\] channels',
        ),
    ],
)
def test_wrong_levels_are_named(options, channels, message) -> None:
    head = DualAttentionHead(**{**SETTINGS, **options}, num_classes=3)
    levels = tuple(torch.zeros(1, count, 4, 4) for count in channels)
    for call in (head, lambda levels: head.predict(levels, [dict(img_shape=(8, 8))], {})):
        with pytest.raises(ValueError, match=message):
            call(levels)


def test_levels_may_be_joined() -> None:
    options = dict(in_channels=[5, 7], in_index=[0, 1], input_transform='resize_concat')
    head = DualAttentionHead(**{**SETTINGS, **options}, num_classes=3)
    fused, *_ = head((torch.zeros(1, 5, 8, 6), torch.zeros(1, 7, 4, 3)))
    assert fused.shape == (1, 3, 8, 6)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(in_channels=[5, 7]), r'in_channels=\[5, 7\] and in_index=-1, expected a number each'),
        (
            dict(in_channels=[5, 7], in_index=[0], input_transform='resize_concat'),
            'expected sequences of the same length',
        ),
    ],
)
def test_channels_that_do_not_fit_the_levels_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        DualAttentionHead(**{**SETTINGS, **options}, num_classes=3)


def test_labels_outside_the_classes_are_refused() -> None:
    for index, label in ((255, 4), (4, 255)):
        head = DualAttentionHead(**SETTINGS, num_classes=4, ignore_index=index)
        with pytest.raises(ValueError, match=rf'labels \[{label}\] are outside the 4 classes'):
            head.loss(_features(), _samples(5), None)


def test_training_under_autocast() -> None:
    ours, _ = _heads()
    with torch.autocast('cpu', torch.bfloat16):
        losses = ours.train().loss(_features(), _samples(5), None)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
