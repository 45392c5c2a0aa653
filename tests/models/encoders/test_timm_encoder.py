"""``TimmEncoder``: levels, any size, what is frozen, where weights come from."""

import pytest
import torch

from mmfewshot_seg.checkpoints.weight_sources import CheckpointError
from mmfewshot_seg.registry import MODELS

timm = pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')

CNN = dict(type='mmfewshot_seg.TimmEncoder', model_name='resnet10t', channels=(8, 8, 16, 16))
MBCONV = dict(type='mmfewshot_seg.TimmEncoder', model_name='test_efficientnet')
VIT = dict(
    type='mmfewshot_seg.TimmEncoder',
    model_name='vit_tiny_patch16_224',
    patch_size=14,
    img_size=56,
    embed_dim=16,
    depth=3,
    num_heads=2,
)


def build(config: dict, **changes):
    torch.manual_seed(0)
    return MODELS.build({**config, **changes})


def pretrained(path, **others) -> dict:
    return dict(type='Pretrained', checkpoint=str(path), **others)


def whole_network(**changes):
    """The network with its classifier, as timm saves it."""
    torch.manual_seed(1)
    arguments = {k: v for k, v in {**CNN, **changes}.items() if k not in ('type', 'model_name')}
    return timm.create_model('resnet10t', **arguments)


def test_levels_are_those_that_were_chosen() -> None:
    encoder = build(CNN, out_indices=(1, 3)).eval()
    levels = encoder(torch.rand(2, 3, 64, 48))
    assert [tuple(level.shape) for level in levels] == [(2, 8, 16, 12), (2, 16, 4, 3)]
    assert encoder.out_channels == (8, 16)


def test_output_stride_dilates() -> None:
    levels = build(CNN, output_stride=8).eval()(torch.rand(1, 3, 64, 64))
    assert [level.shape[-1] for level in levels] == [32, 16, 8, 8, 8]


@pytest.mark.parametrize('size', [(56, 56), (57, 30), (100, 141)])
def test_transformers_take_any_size(size) -> None:
    encoder = build(VIT, out_indices=(0, 2)).eval()
    levels = encoder(torch.rand(2, 3, *size))
    rows, columns = (-(-side // 14) for side in size)
    assert [tuple(level.shape) for level in levels] == [(2, 16, rows, columns)] * 2


def test_an_enlarged_image_is_covered_exactly() -> None:
    encoder = build(VIT, out_indices=(2,)).eval()
    images = torch.rand(1, 3, 50, 60)
    enlarged = torch.nn.functional.interpolate(images, (56, 70), mode='bilinear')
    torch.testing.assert_close(encoder(images), encoder(enlarged))


def test_channels_last_networks_give_channels_first() -> None:
    encoder = build(
        dict(type='mmfewshot_seg.TimmEncoder', model_name='swin_tiny_patch4_window7_224'),
        embed_dim=8,
        depths=(1, 1),
        num_heads=(1, 1),
        strict_img_size=False,
        out_indices=(0, 1),
    ).eval()
    assert [level.shape for level in encoder(torch.rand(1, 3, 30, 44))] == [
        (1, 8, 8, 11),
        (1, 16, 4, 6),
    ]


def test_frozen_levels_do_not_train() -> None:
    encoder = build(CNN, frozen_stages=1).train()
    free = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert free
    assert all(name.startswith(('net.layer2', 'net.layer3', 'net.layer4')) for name in free)
    before = encoder.net.conv1[1].running_mean.clone()
    encoder(torch.rand(4, 3, 32, 32) + 5)
    assert torch.equal(encoder.net.conv1[1].running_mean, before)
    assert not torch.equal(encoder.net.layer4[0].bn1.running_mean, torch.zeros(16))


def test_later_levels_train_although_a_container_holds_them_too() -> None:
    encoder = build(MBCONV, frozen_stages=1).train()
    norms = {name: m.training for name, m in encoder.named_modules() if hasattr(m, 'running_mean')}
    frozen = [
        name for name in norms if name.startswith(('net.bn1', 'net.blocks.0', 'net.blocks.1'))
    ]
    assert frozen and not any(norms[name] for name in frozen)
    assert all(training for name, training in norms.items() if name not in frozen)
    images = torch.rand(1, 3, 28, 28)
    encoder = build(VIT, frozen_stages=0, drop_path_rate=0.9, out_indices=(2,)).train()
    assert len({encoder(images)[0].sum().item() for _ in range(8)}) > 1


@pytest.mark.parametrize('out_indices', [(1, 2), (3, 1), (-2,)])
def test_what_lies_behind_the_last_level_waits_for_no_gradient(out_indices) -> None:
    for config in (CNN, MBCONV):
        encoder = build(config, out_indices=out_indices)
        levels = encoder(torch.rand(2, 3, 64, 64))
        assert tuple(level.shape[1] for level in levels) == encoder.out_channels
        sum(level.sum() for level in levels).backward()
        waiting = [n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
        assert waiting == []


def test_levels_that_were_cut_off_can_be_frozen() -> None:
    encoder = build(CNN, out_indices=(1,), frozen_stages=3)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_all_levels_can_be_frozen() -> None:
    for config in (CNN, VIT):
        encoder = build(config, frozen_stages=4 if config is CNN else 2)
        assert not any(p.requires_grad for n, p in encoder.named_parameters() if '.norm.' not in n)


def test_tokens_of_transformers_are_frozen_with_the_first_block() -> None:
    encoder = build(VIT, frozen_stages=0, out_indices=(0, 2))
    frozen = {name for name, p in encoder.named_parameters() if not p.requires_grad}
    assert {'net.model.cls_token', 'net.model.pos_embed'} < frozen
    assert all('blocks.1' not in name and 'blocks.2' not in name for name in frozen)


def test_fixed_norms_keep_their_statistics() -> None:
    encoder = build(CNN, norm_eval=True).train()
    encoder(torch.rand(4, 3, 32, 32) + 5)
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert all(torch.equal(m.running_mean, torch.zeros_like(m.running_mean)) for m in norms)


def test_drop_path_acts_in_training_alone() -> None:
    encoder = build(VIT, drop_path_rate=0.9, out_indices=(2,))
    images = torch.rand(1, 3, 28, 28)
    assert torch.equal(encoder.eval()(images)[0], encoder(images)[0])
    encoder.train()
    assert len({encoder(images)[0].sum().item() for _ in range(8)}) > 1


@pytest.mark.parametrize('classifier', [True, False])
@pytest.mark.parametrize('wrapping', [None, 'state_dict', 'model'])
def test_a_local_file_of_timm(tmp_path, classifier, wrapping) -> None:
    whole = whole_network().eval()
    weights = whole.state_dict()
    if not classifier:
        weights = {key: value for key, value in weights.items() if not key.startswith('fc.')}
    torch.save(weights if wrapping is None else {wrapping: weights}, tmp_path / 'w.pth')
    encoder = build(CNN, out_indices=(4,), init_cfg=pretrained(tmp_path / 'w.pth')).eval()
    encoder.init_weights()
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(encoder(images)[0], whole.forward_features(images))


def test_weights_in_the_names_of_the_network_are_taken_as_they_are(tmp_path, monkeypatch) -> None:
    torch.save(whole_network().state_dict(), tmp_path / 'w.pth')
    encoder = build(CNN, init_cfg=pretrained(tmp_path / 'w.pth'))
    converted = encoder._loaded(torch.load(tmp_path / 'w.pth'))
    monkeypatch.delattr(type(encoder), '_loaded')
    encoder.init_weights()
    loaded = encoder.net.state_dict()
    assert loaded.keys() == converted.keys()
    assert all(torch.equal(loaded[key], value) for key, value in converted.items())


def test_a_file_of_safetensors_and_a_mask_token(tmp_path) -> None:
    save_file = pytest.importorskip('safetensors.torch').save_file
    weights = whole_network().state_dict()
    save_file({**weights, 'mask_token': torch.zeros(1, 1)}, tmp_path / 'w.safetensors')
    encoder = build(CNN, init_cfg=pretrained(tmp_path / 'w.safetensors'))
    encoder.init_weights()
    assert torch.equal(encoder.net.layer4[0].conv2.weight, weights['layer4.0.conv2.weight'])


def test_positions_are_resampled_to_the_size_of_the_encoder(tmp_path) -> None:
    source = build(VIT, img_size=28)
    weights = {key.removeprefix('net.model.'): v for key, v in source.state_dict().items()}
    torch.save(weights, tmp_path / 'w.pth')
    encoder = build(VIT, init_cfg=pretrained(tmp_path / 'w.pth'))
    encoder.init_weights()
    assert encoder.net.model.pos_embed.shape == (1, 17, 16)
    assert torch.equal(
        encoder.net.model.blocks[1].mlp.fc1.weight, source.net.model.blocks[1].mlp.fc1.weight
    )


def test_the_backbone_of_a_checkpoint_of_ours(tmp_path) -> None:
    source = build(CNN)
    weights = {f'backbone.{key}': value for key, value in source.state_dict().items()}
    torch.save(dict(state_dict={**weights, 'head.w': torch.zeros(1)}), tmp_path / 'w.pth')
    torch.manual_seed(5)
    encoder = MODELS.build(dict(CNN, init_cfg=pretrained(tmp_path / 'w.pth', prefix='backbone.')))
    encoder.init_weights()
    for key, value in source.state_dict().items():
        assert torch.equal(encoder.state_dict()[key], value)


def failure(tmp_path, weights: object, **changes) -> str:
    torch.save(weights, tmp_path / 'w.pth')
    encoder = build(CNN, init_cfg=pretrained(tmp_path / 'w.pth', **changes))
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    with pytest.raises(CheckpointError) as error:
        encoder.init_weights()
    assert all(torch.equal(encoder.state_dict()[key], value) for key, value in before.items())
    return str(error.value)


def test_weights_that_do_not_fit_are_named(tmp_path) -> None:
    weights = whole_network().state_dict()
    missing = {key: value for key, value in weights.items() if key != 'layer2.0.conv1.weight'}
    assert 'as layer2.0.conv1.weight' in failure(tmp_path, missing)
    for part in ('bn1.running_mean', 'bn1.bias'):
        some = {key: value for key, value in weights.items() if key != f'layer2.0.{part}'}
        assert f'as layer2.0.{part}' in failure(tmp_path, some)
    more = {**weights, 'layer4.1.conv1.weight': torch.zeros(1)}
    assert 'as layer4.1.conv1.weight' in failure(tmp_path, more)
    wider = whole_network(channels=(8, 8, 16, 24)).state_dict()
    assert 'layer4.0.conv1.weight' in failure(tmp_path, wider)
    assert 'begins with a.weight' in failure(tmp_path, {'a.weight': torch.zeros(3)})
    assert 'holds no weights by name' in failure(tmp_path, [1, 2])
    assert 'named backbone...., but conv1' in failure(tmp_path, weights, prefix='backbone.')


def test_files_that_cannot_be_read(tmp_path) -> None:
    (tmp_path / 'text.pth').write_text('no weights')
    for name, fault in (('text.pth', 'is a text file'), ('none.pth', 'does not exist')):
        encoder = build(CNN, init_cfg=pretrained(tmp_path / name))
        with pytest.raises(CheckpointError, match=f'{name} {fault}'):
            encoder.init_weights()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(model_name='nosuchnet'), 'Unknown model'),
        (dict(out_indices=(9,)), 'cannot build'),
        (dict(frozen_stages=5), 'levels 0 to 4'),
        (dict(nosuchoption=1), 'nosuchoption'),
        (dict(pretrained='weights.pth'), 'name weights by init_cfg'),
        (dict(init_cfg=[dict(type='Pretrained', checkpoint='w.pth')]), 'takes one init_cfg'),
    ],
)
def test_what_timm_cannot_build(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        build(CNN, **changes)


def test_transformers_have_no_output_stride() -> None:
    with pytest.raises(ValueError, match='output_stride'):
        build(VIT, output_stride=8)


def test_it_trains_and_saves_like_any_backbone() -> None:
    encoder = build(CNN, frozen_stages=0)
    encoder(torch.rand(2, 3, 32, 32))[-1].sum().backward()
    assert encoder.net.layer4[0].conv1.weight.grad is not None
    assert encoder.net.conv1[0].weight.grad is None
    again = MODELS.build(CNN)
    again.load_state_dict(encoder.state_dict())
    images = torch.rand(1, 3, 40, 40)
    for one, other in zip(encoder.eval()(images), again.eval()(images), strict=True):
        torch.testing.assert_close(one, other)


def test_both_hosts_know_it() -> None:
    registry = pytest.importorskip('mmdet.registry', reason='needs mmdet')
    from mmseg.registry import MODELS as MMSEG_MODELS

    assert registry.MODELS.get('TimmEncoder') is MMSEG_MODELS.get('TimmEncoder')
