"""The segmentor: the gradient of the image reaches the head in every mode, other heads as well."""

import unittest.mock

import numpy as np
import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample

from mmfewshot_seg.models.semseg import GatedSCNN, SemanticTTAModel
from mmfewshot_seg.models.semseg.image_gradient import (
    FeaturesWithGradient,
    canny,
    image_gradient,
    official_bytes,
)

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
SIZE = (40, 56)


def _config(**options) -> dict:
    head = dict(
        type='mmfewshot_seg.GatedSCNNHead',
        in_channels=(8, 16, 32, 64),
        channels=8,
        shape_channels=(8, 4, 4, 2),
        skip_channels=4,
        aspp_channels=4,
        dilations=(1, 2),
        num_classes=3,
    )
    config = dict(
        data_preprocessor=dict(
            type='mmseg.SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True, size_divisor=8
        ),
        backbone=dict(
            type='mmseg.ResNet',
            depth=18,
            base_channels=8,
            stem_channels=8,
            strides=(1, 2, 1, 1),
            dilations=(1, 1, 2, 4),
        ),
        decode_head=head,
        test_cfg=ConfigDict(mode='whole'),
    )
    return {**config, **options}


def _model(kind: type = GatedSCNN, **options) -> EncoderDecoder:
    torch.manual_seed(0)
    return kind(**_config(**options))


def _image() -> torch.Tensor:
    """(3, H, W) uint8 BGR: a bright square on dark ground."""
    image = np.full((*SIZE, 3), 30, np.uint8)
    image[10:30, 16:40] = (200, 90, 60)
    return torch.from_numpy(image).permute(2, 0, 1).contiguous()


def _data(model: EncoderDecoder, training: bool = False) -> dict:
    """Two images: batch norm of the pooled image needs more than one."""
    label = torch.zeros(1, *SIZE, dtype=torch.int64)
    label[:, 10:30, 16:40] = 1
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label), metainfo=dict(img_shape=SIZE, ori_shape=SIZE)
        )
        for _ in range(2)
    ]
    return model.data_preprocessor(dict(inputs=[_image()] * 2, data_samples=samples), training)


def test_gradient_is_that_of_the_image_before_normalization() -> None:
    model = _model()
    features = model.extract_feat(_data(model)['inputs'])
    expected = torch.from_numpy(canny(_image().permute(1, 2, 0).numpy()))
    assert expected.float().mean() > 1
    assert features.gradient.shape == (2, 1, *SIZE) and features.gradient.dtype == torch.float32
    assert (features.gradient[0, 0] == expected).all()
    assert [level.shape[1] for level in features] == [8, 16, 32, 64]


def test_official_gradient_is_that_of_normalized_whole_numbers() -> None:
    model = _model(gradient='official')
    inputs = _data(model)['inputs']
    truncated = np.trunc(inputs[0].permute(1, 2, 0).numpy()).astype(int) % 256
    assert set(np.unique(truncated)) <= {0, 1, 2, 254, 255}
    assert (official_bytes(inputs)[0].permute(1, 2, 0).numpy() == truncated).all()
    expected = torch.from_numpy(canny(truncated.astype(np.uint8)))
    assert (model.extract_feat(inputs).gradient[0, 0] == expected).all()


def test_images_of_a_batch_are_apart() -> None:
    images = torch.stack([_image(), torch.full_like(_image(), 7)])
    gradient = image_gradient(images)
    assert gradient[0].any() and not gradient[1].any()


def test_every_mode_sees_the_gradient(monkeypatch) -> None:
    model, seen = _model(), []
    mix = type(model.decode_head).edge_activation
    monkeypatch.setattr(
        type(model.decode_head),
        'edge_activation',
        lambda self, edge, gradient: seen.append(gradient.shape) or mix(self, edge, gradient),
    )
    losses = model(**_data(model, training=True), mode='loss')
    assert losses['decode.loss_edge'] > 0
    model.eval()
    model(**_data(model), mode='tensor')
    result = model(**_data(model), mode='predict')[0]
    assert result.pred_sem_seg.shape == SIZE and len(seen) == 3
    model.test_cfg = ConfigDict(mode='slide', crop_size=(24, 32), stride=(16, 24))
    model(**_data(model), mode='predict')
    assert seen[3:] == [(2, 1, 24, 32)] * 4


def test_slides_of_the_whole_image_are_the_whole_image() -> None:
    model = _model().eval()
    whole = model(**_data(model), mode='predict')[0].seg_logits.data
    model.test_cfg = ConfigDict(mode='slide', crop_size=SIZE, stride=SIZE)
    torch.testing.assert_close(model(**_data(model), mode='predict')[0].seg_logits.data, whole)


def test_plain_segmentors_take_the_head() -> None:
    plain = _model(EncoderDecoder)
    assert plain(**_data(plain, training=True), mode='loss')['decode.loss_edge'] > 0
    plain.eval()
    assert plain(**_data(plain), mode='predict')[0].pred_sem_seg.shape == SIZE


def test_other_heads_do_not_see_the_gradient() -> None:
    loss = dict(type='mmseg.CrossEntropyLoss')
    auxiliary = dict(type='mmseg.FCNHead', in_channels=64, channels=4, num_classes=3, num_convs=1)
    auxiliary['loss_decode'] = loss
    model = _model(auxiliary_head=auxiliary)  # in_index -1: the last level
    losses = model(**_data(model, training=True), mode='loss')
    assert losses['aux.loss_ce'] > 0


def test_images_of_any_range_have_the_same_gradient(capsys) -> None:
    """In 0 to 1 and of 16 bits, normalized by their own mean and deviation."""
    image, found = _image().float(), []
    for white in (255, 1, 65535):
        scale = white / 255
        model = _model(
            white=white,
            data_preprocessor=dict(
                type='mmseg.SegDataPreProcessor',
                mean=[value * scale for value in MEAN],
                std=[value * scale for value in STD],
                bgr_to_rgb=True,
            ),
        )
        data = model.data_preprocessor(dict(inputs=[image * scale], data_samples=[SegDataSample()]))
        found.append(model.extract_feat(data['inputs']).gradient)
    assert found[0].any() and (found[0] == found[1]).all() and (found[0] == found[2]).all()
    assert 'white' not in capsys.readouterr().err
    with pytest.raises(ValueError, match='white=0, expected'):
        _model(white=0)


@pytest.mark.parametrize(('scale', 'greatest'), [(1 / 255, '0.784'), (257, '5.14e')])
def test_images_of_an_unforeseen_range_are_told_once(scale, greatest, caplog) -> None:
    preprocessor = dict(
        type='mmseg.SegDataPreProcessor',
        mean=[value * scale for value in MEAN],
        std=[value * scale for value in STD],
    )
    model = _model(data_preprocessor=preprocessor)
    images = torch.stack([_image().float() * scale] * 2)
    inputs = model.data_preprocessor(dict(inputs=list(images), data_samples=None))['inputs']
    told = []
    with unittest.mock.patch('mmfewshot_seg.models.semseg.gated_scnn.print_log') as log:
        for _ in range(2):
            model.extract_feat(inputs)
        told = [call.args[0] for call in log.call_args_list]
    assert len(told) == 1 and greatest in told[0] and 'Set white of the model' in told[0]


@pytest.mark.filterwarnings('ignore')
def test_graphs_take_the_gradient_as_a_channel() -> None:
    """That of the sample is not kept: the graph is right for another image, or refused."""
    model = _model().eval()
    other = _image().flip(-1)
    images = model.data_preprocessor(dict(inputs=[_image(), other], data_samples=None))['inputs']
    with pytest.raises(RuntimeError, match='give the gradient as an input, the fourth channel'):
        torch.jit.trace(model, images[:1], check_trace=False)
    inputs = torch.cat([images, model.image_gradient(images)], dim=1)
    for found, expected in zip(model(inputs), model(images), strict=True):
        assert (found == expected).all()
    graph = torch.jit.trace(model, inputs[:1])
    for found, expected in zip(graph(inputs[1:]), model(images[1:]), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings('ignore')
def test_operations_are_counted() -> None:
    model = _model().eval()
    counts = [
        get_model_complexity_info(model, inputs=torch.rand(1, channels, 32, 48))['flops']
        for channels in (3, 4)
    ]
    assert counts[0] == counts[1] > 1e6


def test_edges_are_predicted_with_the_classes() -> None:
    """At the size of the original image, mirrored back, whole and by windows."""
    model = _model().eval()
    data = _data(model)
    whole = model(**data, mode='predict')
    logits = model(data['inputs'])[1]
    assert logits.shape == (2, 1, *SIZE)
    torch.testing.assert_close(whole[0].pred_edges.data, logits[0].sigmoid())
    assert whole[0].seg_logits.data.shape == (3, *SIZE)
    flipped = _data(model)
    for sample in flipped['data_samples']:
        sample.set_metainfo(
            dict(flip=True, flip_direction='horizontal', ori_shape=(2 * SIZE[0], 2 * SIZE[1]))
        )
    mirrored = model(**flipped, mode='predict')[0].pred_edges.data
    expected = torch.nn.functional.interpolate(
        logits[:1].flip(-1), scale_factor=2, mode='bilinear', align_corners=False
    )
    torch.testing.assert_close(mirrored, expected[0].sigmoid())
    model.test_cfg = ConfigDict(mode='slide', crop_size=(24, 32), stride=(16, 24))
    slid = model(**_data(model), mode='predict')[0]
    assert slid.pred_edges.shape == SIZE and slid.seg_logits.data.shape == (3, *SIZE)
    assert model.out_channels == 3
    alone = model(data['inputs'], mode='predict')
    assert alone[0].pred_edges.shape == SIZE


@pytest.mark.filterwarnings('ignore:threshold is not defined')
@pytest.mark.parametrize('outputs', [1, 3])
def test_views_of_an_image_are_averaged(outputs) -> None:
    config = _config()
    config['decode_head'].update(num_classes=max(outputs, 2), out_channels=outputs)
    model = SemanticTTAModel(module=dict(config, type='mmfewshot_seg.GatedSCNN')).eval()
    views = []
    for flip in (False, True):
        data = _data(model.module)
        for sample in data['data_samples']:
            sample.set_metainfo(dict(flip=flip, flip_direction='horizontal', img_path='x'))
        views.append(model.module(**data, mode='predict'))
    pairs = list(zip(*views, strict=True))
    edges = [torch.stack([view.pred_edges.data for view in pair]).mean(0) for pair in pairs]
    logits = [[view.seg_logits.data for view in pair] for pair in pairs]
    merged = model.merge_preds([list(pair) for pair in pairs])
    for sample, expected, scores in zip(merged, edges, logits, strict=True):
        torch.testing.assert_close(sample.pred_edges.data, expected)
        if outputs == 1:
            wanted = (sum(scores) / 2 > 0.3).float()
        else:
            wanted = sum(score.softmax(0) for score in scores).argmax(0)
        assert (sample.pred_sem_seg.data.squeeze() == wanted.squeeze()).all()


def test_what_is_no_gradient_is_refused() -> None:
    with pytest.raises(ValueError, match="gradient='sobel', expected one of canny, official"):
        _model(gradient='sobel')
    with pytest.raises(ValueError, match='give the data_preprocessor mean and std'):
        _model(data_preprocessor=dict(type='mmseg.SegDataPreProcessor', size_divisor=8))


def test_features_are_a_tuple() -> None:
    levels = [torch.zeros(1), torch.ones(1)]
    features = FeaturesWithGradient(levels, torch.zeros(2))
    assert isinstance(features, tuple) and features[-1] is levels[1] and len(features) == 2
