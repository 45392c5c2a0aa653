"""The segmentor: fit and predict, resolutions of the evaluation, hosts' configs, learning."""

import pytest
import torch
from helpers.fewshot_models import BACKBONE, HEADS
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS as MMSEG_MODELS

from mmfewshot_seg.models.fewshot import EpisodeDataPreProcessor, FewShotSegmentor
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges
from mmfewshot_seg.structures import Episode, SupportState


def _model(**kwargs) -> FewShotSegmentor:
    torch.manual_seed(0)
    return FewShotSegmentor(backbone=BACKBONE, decode_head=HEADS['panet'], **kwargs)


def _fit_singly(model: FewShotSegmentor, images: torch.Tensor, masks: torch.Tensor, way: int):
    """States of the shots of a way, each fitted as an episode of its own."""
    label = torch.where((masks == way) | (masks == 0), (masks == way).long(), 255)
    return [
        model.fit_support(images[:, way - 1, shot][:, None, None], mask[:, None, None])
        for shot, mask in enumerate(label[:, way - 1].unbind(1))
    ]


def _inputs(batch=1, ways=2, shots=2, queries=2, size=(40, 33), support_size=None) -> dict:
    generator = torch.Generator().manual_seed(1)
    support = (batch, ways, shots, 3, *(support_size or size))
    return dict(
        query=torch.randn(batch, queries, 3, *size, generator=generator),
        support=torch.randn(support, generator=generator),
        support_masks=torch.randint(0, ways + 1, support[:3] + support[4:], generator=generator),
    )


@torch.no_grad()
def test_fitted_support_gives_the_logits_of_the_episode(tmp_path) -> None:
    model, inputs = _model().eval(), _inputs()
    expected = model(inputs)
    assert expected.shape == (1, 2, 3, 40, 33)
    state = model.fit_support(inputs['support'], inputs['support_masks'])
    state.save(tmp_path / 'support.pth')
    state = SupportState.load(tmp_path / 'support.pth')
    for query in range(2):
        logits = model.encode_decode(dict(query=inputs['query'][:, [query]]), state=state)
        torch.testing.assert_close(logits, expected[:, [query]])
    prediction = model.predict(dict(query=inputs['query']), state=state)[0].pred_masks
    assert torch.equal(prediction, expected[0].argmax(1))


@pytest.mark.parametrize('training', [False, True])
def test_images_go_one_by_one_where_nothing_is_trained(training) -> None:
    model, inputs, seen = _model().train(training), _inputs(), []
    together = model.extract_feat(inputs['query'].flatten(0, 1))[0]
    model.backbone.register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    with torch.no_grad():
        found = model._extract(inputs['query'])[0]
    torch.testing.assert_close(found.flatten(0, 1), together)
    assert [len(images) for images in seen] == ([2] if training else [1, 1])


@pytest.mark.parametrize('head', HEADS.values())
@torch.no_grad()
def test_supports_fitted_singly_join_to_those_fitted_together(head) -> None:
    torch.manual_seed(0)
    model = FewShotSegmentor(backbone=BACKBONE, decode_head=head).eval()
    inputs = _inputs(batch=2, ways=3, shots=2)
    inputs['support_masks'] = torch.arange(1, 4).view(1, 3, 1, 1, 1).repeat(2, 1, 2, 40, 33)
    inputs['support_masks'][..., :7, :] = 0
    inputs['support_masks'][:, 0, 1, 20:] = 2  # another class of the episode beside that of the way
    inputs['support_masks'][:, 2, 0, 4:] = 255
    inputs['support_masks'][:, 2, 0, 25:] = 3  # fewer prototypes than the others
    images, masks = inputs['support'], inputs['support_masks']
    together = model.fit_support(images, masks)
    joined = model.decode_head.join([_fit_singly(model, images, masks, way) for way in (1, 2, 3)])
    assert set(joined.keys()) == set(together.keys())
    for name, tensor in together.items():
        torch.testing.assert_close(joined.get(name), tensor, atol=1e-6, rtol=1e-4)


@torch.no_grad()
def test_support_of_another_size_and_batch_rows() -> None:
    model, inputs = _model().eval(), _inputs(batch=2, support_size=(24, 50))
    logits = model(inputs)
    row = {name: value[1:] for name, value in inputs.items()}
    torch.testing.assert_close(model(row), logits[1:])


@torch.no_grad()
def test_prediction_lies_on_the_canvas_of_the_label() -> None:
    model, inputs = _model().eval(), _inputs(queries=1, size=(32, 32))
    logits = model(inputs)[0, 0]
    # A 20 x 10 image in a square of its long side, which the network saw as 32 x 32.
    episode = Episode(
        metainfo=dict(img_shapes=((32, 32),), eval_shapes=((20, 20),)),
        query_masks=torch.zeros(1, 20, 10).long(),
    )
    prediction = model.predict(inputs, [episode])[0].pred_masks
    resized = torch.nn.functional.interpolate(logits[None], (20, 20), mode='bilinear')[0]
    assert torch.equal(prediction[0], resized.argmax(0)[:, :10])
    # Padding of the batch is cut away; beyond a smaller evaluation there is background.
    episode = Episode(
        metainfo=dict(img_shapes=((24, 32),), eval_shapes=((24, 32),)),
        query_masks=torch.zeros(1, 30, 40).long(),
    )
    prediction = model.predict(inputs, [episode])[0].pred_masks
    assert torch.equal(prediction[0, :24, :32], logits[:, :24].argmax(0))
    assert (prediction[0, 24:] == 0).all() and (prediction[0, :, 32:] == 0).all()


def test_overfits_one_episode() -> None:
    model, inputs = _model().train(), _inputs(queries=1, ways=1, shots=1)
    # Two textures: the foreground is brighter.
    inputs['support_masks'][..., :20, :], inputs['support_masks'][..., 20:, :] = 1, 0
    label = torch.zeros(1, 40, 33).long()
    label[..., :16] = 1
    inputs['support'][..., :20, :] += 1.0
    inputs['query'][..., :16] += 1.0
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(25):
        losses = model.loss(inputs, [Episode(query_masks=label)])
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    prediction = model.eval().predict(inputs)[0].pred_masks
    assert (prediction == label).float().mean() > 0.9
    assert losses['loss_ce'] < 0.3


def test_amp_training_step_is_finite() -> None:
    model, inputs = _model().train(), _inputs()
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(inputs, [Episode(query_masks=torch.ones(2, 40, 33).long())])
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_builds_unprefixed_in_mmseg_and_prefixed_without_scope() -> None:
    config = dict(
        type='FewShotSegmentor',
        backbone=dict(BACKBONE, type='ResNet'),
        decode_head=dict(type='PANetHead'),
        neck=dict(type='FPN', in_channels=[32], out_channels=4, num_outs=1),
    )
    init_default_scope('mmseg')
    model = MMSEG_MODELS.build(config)
    assert model(_inputs(queries=1)).shape == (1, 1, 3, 40, 33)


@pytest.mark.parametrize('kind', [None, 'SegDataPreProcessor', 'mmseg.SegDataPreProcessor'])
def test_data_preprocessor_of_mmseg_stands_for_ours(kind) -> None:
    config = dict(type=kind, mean=[1] * 3, std=[2] * 3) if kind else None
    preprocessor = _model(data_preprocessor=config).data_preprocessor
    assert type(preprocessor) is EpisodeDataPreProcessor
    assert not kind or preprocessor.std.flatten().tolist() == [2] * 3


def test_auxiliary_head_is_refused() -> None:
    with pytest.raises(ValueError, match='auxiliary_head'):
        _model(auxiliary_head=dict(type='FCNHead'))


def test_support_shapes_are_checked() -> None:
    inputs = _inputs()
    with pytest.raises(ValueError, match=r'got \(1, 2, 2, 3, 40, 33\) and \(1, 2, 2, 20, 33\)'):
        _model().fit_support(inputs['support'], inputs['support_masks'][..., :20, :])


@pytest.mark.gpu
def test_cuda_gives_the_logits_of_the_cpu_and_trains_in_half_precision() -> None:
    model, inputs = _model().eval(), _inputs()
    with torch.no_grad():
        expected = model(inputs)
        cuda_inputs = {name: value.cuda() for name, value in inputs.items()}
        logits = model.cuda()(cuda_inputs).cpu()
    torch.testing.assert_close(logits, expected, atol=1e-2, rtol=0)  # TF32 convolutions
    label = torch.ones(2, 40, 33, dtype=torch.int64, device='cuda')
    with torch.autocast('cuda', torch.float16):
        losses = model.train().loss(cuda_inputs, [Episode(query_masks=label)])
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())


@torch.no_grad()
def test_refined_predictions_follow_the_query_as_it_was() -> None:
    preprocessor = dict(mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True)
    model = _model(data_preprocessor=preprocessor, test_cfg=dict(refine='guided')).eval()
    images = torch.randint(256, (1, 2, 3, 40, 33), dtype=torch.uint8)
    inputs = _inputs()
    inputs['query'] = model.data_preprocessor(dict(inputs=dict(query=[images[0]])))['inputs'][
        'query'
    ]
    assert torch.equal(model.data_preprocessor.denormalize(inputs['query']), images.flip(2))
    logits = model(inputs)
    expected = [
        refine_edges(scores, image.flip(0).permute(1, 2, 0).numpy(), 'guided').argmax(0)
        for scores, image in zip(logits[0], images[0], strict=True)
    ]
    (episode,) = model.predict(inputs)
    assert torch.equal(episode.pred_masks, torch.stack(expected))
    assert not torch.equal(episode.pred_masks, logits[0].argmax(1))
    with pytest.raises(ValueError, match="refine='crf'"):
        _model(test_cfg=dict(refine='crf'))
