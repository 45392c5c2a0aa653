"""The ASGNet head: invariances, several ways, seeds from either side, sizes, bad input."""

import pytest
import torch

from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.models.fewshot import ASGNetHead, FewShotSegmentor
from mmfewshot_seg.models.fewshot.asgnet_head import against_background
from mmfewshot_seg.structures import Episode, SupportState

BACKBONE = dict(
    type='mmfewshot_seg.FrozenResNet',
    depth=18,
    base_channels=8,
    stem_channels=8,
    num_stages=3,
    strides=(1, 2, 1),
    dilations=(1, 1, 2),
    out_indices=(0, 1, 2),
)
HEAD = dict(in_channels=(16, 32), in_index=(1, 2), channels=16, superpixel_area=5)
DECODERS = {
    'enrichment': dict(type='mmfewshot_seg.FeatureEnrichment'),
    'absolute': dict(type='mmfewshot_seg.FeatureEnrichment', scales=(60, 4, 1)),
    'aspp': dict(type='mmfewshot_seg.ASPPDecoder', low_level_channels=8),
}


def _model(decoder='enrichment', backbone=(), **head) -> FewShotSegmentor:
    torch.manual_seed(0)
    head = dict(HEAD, type='mmfewshot_seg.ASGNetHead', decoder=DECODERS[decoder], **head)
    return FewShotSegmentor(backbone=dict(BACKBONE, **dict(backbone)), decode_head=head).eval()


def _inputs(batch=1, ways=1, shots=2, queries=1, size=(65, 65), support_size=None) -> dict:
    generator = torch.Generator().manual_seed(1)
    support_size = support_size or size
    masks = torch.zeros(batch, ways, shots, *support_size, dtype=torch.int64)
    for way in range(ways):
        for shot in range(shots):  # of unlike size, so that the numbers of prototypes differ
            masks[:, way, shot, 5 : 24 + 15 * shot, 10 : 50 - 7 * way] = way + 1
    return dict(
        query=torch.randn(batch, queries, 3, *size, generator=generator),
        support=torch.randn(batch, ways, shots, 3, *support_size, generator=generator),
        support_masks=masks,
    )


@pytest.mark.parametrize('decoder', DECODERS)
@pytest.mark.parametrize('size', [(65, 65), (70, 45), (33, 96)])
@torch.no_grad()
def test_any_size_and_shape_of_an_episode(decoder, size) -> None:
    inputs = _inputs(batch=2, ways=2, queries=2, size=size, support_size=(50, 61))
    logits = _model(decoder)(inputs)
    assert logits.shape == (2, 2, 3, *size)
    assert logits.isfinite().all()


@torch.no_grad()
def test_joined_ways_of_unlike_shots_and_sizes_keep_their_odds() -> None:
    model, large, small = _model(), _inputs(shots=2), _inputs(shots=1, size=(50, 41))
    states = [
        [model.fit_support(image[None, None, None], mask[None, None, None])]
        for inputs in (large, small)
        for image, mask in zip(inputs['support'][0, 0], inputs['support_masks'][0, 0], strict=True)
    ]
    ways = [states[0] + states[1], states[2]]
    query = dict(query=large['query'])

    def odds(*ways: list[SupportState]) -> torch.Tensor:
        logits = model.encode_decode(query, state=model.decode_head.join(ways))
        return logits[:, :, 1:] - logits[:, :, :1]

    expected = torch.cat([odds(way) for way in ways], dim=2)
    torch.testing.assert_close(odds(*ways), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('decoder', DECODERS)
@torch.no_grad()
def test_batch_equals_its_rows(decoder) -> None:
    model, inputs = _model(decoder), _inputs(batch=3, ways=2, queries=2)
    inputs['support_masks'][1, 0] = 0
    logits = model(inputs)
    for row in range(3):
        alone = model({key: value[[row]] for key, value in inputs.items()})
        torch.testing.assert_close(alone[0], logits[row], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_way_among_several_has_the_odds_of_its_own_network() -> None:
    model, inputs = _model(), _inputs(ways=3)
    scores = model(inputs).log_softmax(2)
    for way in range(3):
        alone = {**inputs, **{k: inputs[k][:, [way]] for k in ('support', 'support_masks')}}
        alone['support_masks'] = (alone['support_masks'] == way + 1).long()
        single = model(alone).log_softmax(2)
        margin = scores[:, :, way + 1] - scores[:, :, 0]
        torch.testing.assert_close(margin, single[:, :, 1] - single[:, :, 0], atol=1e-4, rtol=1e-4)


def test_one_way_keeps_the_scores_of_the_decoder() -> None:
    logits = torch.randn(2, 2, 3, 4)
    assert torch.equal(against_background(logits, ways=1), logits)
    two = against_background(torch.tensor([[[[1.0]], [[2.0]]], [[[3.0]], [[3.5]]]]), ways=2)
    assert two.flatten().tolist() == [2.0, 3.0, 2.5]


@torch.no_grad()
def test_seeds_of_the_pipeline_give_what_the_head_places() -> None:
    model, inputs = _model(), _inputs()
    expected = model(inputs)
    masks = inputs['support_masks'][0, 0].numpy() == 1
    seeds = [superpixel_seeds(mask, (9, 9), 5, 5) for mask in masks]
    seeds = torch.stack([torch.from_numpy(seed) for seed in seeds])[None, None]
    assert (seeds[..., 0] >= 0).sum(-1).tolist() == [[[3, 5]]]
    assert torch.equal(model({**inputs, 'support_seeds': seeds}), expected)
    one_each = seeds.masked_fill(torch.arange(5).view(-1, 1) > 1, -1)
    assert not torch.allclose(model({**inputs, 'support_seeds': one_each}), expected)


@torch.no_grad()
def test_state_holds_only_tensors_and_serves_many_queries(tmp_path) -> None:
    model, inputs = _model(), _inputs(queries=2)
    expected = model(inputs)
    model.fit_support(inputs['support'], inputs['support_masks']).save(tmp_path / 'state.pth')
    state = SupportState.load(tmp_path / 'state.pth')
    for query in range(2):
        logits = model.encode_decode(dict(query=inputs['query'][:, [query]]), state=state)
        torch.testing.assert_close(logits, expected[:, [query]], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_supports_without_enough_foreground_fall_back() -> None:
    model, inputs = _model(), _inputs(shots=3)
    inputs['support_masks'][0, 0, 1] = 0
    inputs['support_masks'][0, 0, 2] = 0
    inputs['support_masks'][0, 0, 2, 40:43, 40:43] = 1
    state = model.fit_support(inputs['support'], inputs['support_masks'])
    valid = state.valid.unflatten(2, (3, 5))[0, 0]
    assert valid.sum(-1).tolist() == [3, 1, 1]
    prototypes = state.prototypes.unflatten(2, (3, 5))[0, 0]
    assert (prototypes[1, 0] == 0).all()
    features = model.decode_head._reduce(model._extract(inputs['support']))[0, 0, 2]
    torch.testing.assert_close(prototypes[2, 0] * 1.0005, features[:, 5, 5] * 1.0)
    assert model(inputs).isfinite().all()


@torch.no_grad()
def test_more_seeds_than_positions_stay_finite() -> None:
    model, inputs = _model(), _inputs(shots=1)
    inputs['support_masks'][:] = 0
    inputs['support_masks'][..., 14:19, 22:27] = 1  # one position is inside
    seeds = torch.tensor([[2, 3], [1, 3], [2, 2], [-1, -1], [-1, -1]]).view(1, 1, 1, 5, 2)
    logits = model({**inputs, 'support_seeds': seeds})
    assert logits.isfinite().all()
    state = model.decode_head.prototypes(
        model._extract(inputs['support']), inputs['support_masks'], seeds
    )
    features = model.decode_head._reduce(model._extract(inputs['support']))[0, 0, 0, :, 2, 3]
    torch.testing.assert_close(state.prototypes[0, 0, :3], features.expand(3, -1))


@torch.no_grad()
def test_double_precision() -> None:
    model, inputs = _model(), _inputs(ways=2)
    expected = model(inputs)
    doubles = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    torch.testing.assert_close(model.double()(doubles).float(), expected, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_mean_similarity_differs_only_with_several_prototypes() -> None:
    inputs = _inputs(shots=1)
    outputs = {kind: _model(similarity=kind)(inputs) for kind in ('sum', 'mean')}
    assert not torch.allclose(outputs['sum'], outputs['mean'])
    inputs['support_masks'][..., 10:, :] = 0  # too small for superpixels
    outputs = {kind: _model(similarity=kind)(inputs) for kind in ('sum', 'mean')}
    torch.testing.assert_close(outputs['sum'], outputs['mean'])


@pytest.mark.parametrize('decoder', DECODERS)
def test_trains_head_alone_and_ignores_void(decoder) -> None:
    model, inputs = _model(decoder).train(), _inputs(batch=2, ways=2)
    label = torch.randint(0, 3, (1, 65, 65))
    label[:, :30] = 255
    losses = model.loss(inputs, [Episode(query_masks=label)] * 2)
    assert set(losses) == {'loss_ce', 'loss_aux'}
    sum(losses.values()).backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    without = [n for n, p in model.decode_head.named_parameters() if p.grad is None]
    assert not without
    assert all(p.grad.isfinite().all() for p in model.decode_head.parameters())


def test_training_and_testing_cluster_with_their_own_iterations() -> None:
    model, inputs = _model(dropout=0.0, train_iterations=1, test_iterations=1), _inputs()
    features, masks = model._extract(inputs['support']), inputs['support_masks']
    head = model.decode_head
    states = {}
    for train, test in ((1, 1), (10, 1), (1, 10)):
        head.train_iterations, head.test_iterations = train, test
        states[train, test] = [
            head.train(mode).prototypes(features, masks).prototypes for mode in (True, False)
        ]
    assert torch.equal(states[1, 1][0], states[1, 1][1])
    assert torch.equal(states[10, 1][1], states[1, 1][1])
    assert torch.equal(states[1, 10][1], states[10, 1][0])
    assert not torch.allclose(states[10, 1][0], states[1, 1][0])


def test_overfits_one_episode() -> None:
    model, inputs = _model(dropout=0.0).train(), _inputs(shots=1)
    label = torch.zeros(1, 65, 65).long()
    label[..., :30] = 1
    inputs['support'] += 2.0 * inputs['support_masks'].unsqueeze(3)
    inputs['query'][..., :30] += 2.0
    optimizer = torch.optim.Adam(model.decode_head.parameters(), 3e-3)
    for _ in range(40):
        losses = model.loss(inputs, [Episode(query_masks=label)])
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    prediction = model.eval().predict(inputs)[0].pred_masks
    assert (prediction == label).float().mean() > 0.9


def test_amp_step_is_finite() -> None:
    model, inputs = _model().train(), _inputs()
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(inputs, [Episode(query_masks=torch.ones(1, 65, 65).long())])
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.decode_head.parameters())


@torch.no_grad()
def test_prototype_maps_number_the_prototypes_shot_by_shot() -> None:
    model, inputs = _model(), _inputs(ways=2)
    inputs['support_masks'][0, 1, 0] = 0  # way 2, shot 1: one zero prototype
    model.test_cfg = dict(prototype_maps=True)
    episode = model.predict(inputs)[0]
    clusters, guides = episode.support_clusters, episode.guides
    assert clusters.shape == (2, 2, 65, 65) and guides.shape == (1, 2, 65, 65)
    state = model.fit_support(inputs['support'], inputs['support_masks'])
    counts = state.valid.unflatten(2, (2, 5)).sum(-1)[0].tolist()
    assert counts == [[3, 5], [1, 4]]
    assert clusters[0, 0].unique().tolist() == [0, 1, 2, 3]
    assert set(clusters[0, 1].unique().tolist()) <= {0, 4, 5, 6, 7, 8}
    assert clusters[1, 0].unique().tolist() == [0]
    assert set(clusters[1, 1].unique().tolist()) <= {0, 2, 3, 4, 5}
    assert (clusters[0, :, :, 58:] == 0).all()  # right of the masks
    assert guides[0, 0].min() >= 1 and guides[0, 0].max() <= 8
    assert guides[0, 1].max() <= 5


def test_norms_of_the_frozen_backbone_drift_if_wanted() -> None:
    images = torch.randn(2, 3, 33, 33)
    for norm_eval in (True, False):
        backbone = _model(backbone=dict(norm_eval=norm_eval)).train().backbone
        before = backbone.state_dict()['bn1.running_mean'].clone()
        backbone(images)
        assert torch.equal(before, backbone.state_dict()['bn1.running_mean']) == norm_eval
        assert not any(p.requires_grad for p in backbone.parameters())


def test_separate_calls_give_each_shot_its_own_statistics() -> None:
    inputs = _inputs(batch=2, shots=2)
    inputs['support'][:, :, 1] += 3
    model = _model(backbone=dict(norm_eval=False)).train()
    model.separate_calls = True
    query, support = model._extract_episodes(inputs)
    expected = model.extract_feat(inputs['support'][:, 0, 1])
    torch.testing.assert_close(support[2][:, 0, 1], expected[2])
    model.separate_calls = False
    _, joint = model._extract_episodes(inputs)
    assert not torch.allclose(joint[2], support[2])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(seeding='exact'), r"seeding='exact', expected one of \('official', 'clean'\)"),
        (dict(similarity='max'), "similarity='max'"),
        (dict(in_index=(1,)), 'differ in length'),
        (dict(superpixel_area=0), 'superpixel_area must be at least 1, got 0'),
        (dict(train_iterations=0), 'train_iterations'),
        (
            dict(decoder=dict(type='mmfewshot_seg.FeatureEnrichment', scales=(60.0, 30))),
            r'got 60.0 in \(60.0, 30\)',
        ),
    ],
)
def test_arguments_are_checked(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        ASGNetHead(**{**HEAD, **arguments})


def test_support_without_shots_is_refused() -> None:
    inputs = _inputs(shots=0)
    with pytest.raises(ValueError, match=r'none empty, got \(1, 1, 0, 3, 65, 65\)'):
        _model()(inputs)


def test_seeds_that_do_not_fit_are_refused() -> None:
    inputs = {**_inputs(), 'support_seeds': torch.zeros(1, 1, 3, 5, 2).long()}
    with pytest.raises(ValueError, match=r'seeds \(1, 1, 3, 5, 2\)'):
        _model()(inputs)
    inputs['support_seeds'] = torch.tensor([[3, 60], [8, 2]]).expand(1, 1, 2, 2, 2)
    with pytest.raises(ValueError, match=r'column 60 lies outside features of size \(9, 9\)'):
        _model()(inputs)


@pytest.mark.gpu
def test_cuda_gives_the_logits_of_the_cpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    inputs = _inputs(ways=2)
    for decoder in DECODERS:
        model = _model(decoder)
        with torch.no_grad():
            expected = model(inputs)
            logits = model.cuda()({name: value.cuda() for name, value in inputs.items()}).cpu()
        torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
