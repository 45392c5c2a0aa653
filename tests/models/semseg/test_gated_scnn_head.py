"""The head of Gated-SCNN on any levels: outputs, losses, options, and what is refused."""

import warnings

import pytest
import torch
from helpers.graphs import needs_free_sizes
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.functional.shape_edges import shape_edges
from mmfewshot_seg.models.semseg import EdgeAttentionLoss, GatedSCNNHead
from mmfewshot_seg.models.semseg.image_gradient import FeaturesWithGradient
from mmfewshot_seg.models.semseg.per_image_weighted_cross_entropy import (
    image_weighted_cross_entropy,
)

CHANNELS = (4, 6, 8, 10)
STRIDES = (4, 8, 8, 8)
SIZE = (32, 48)


def _head(**options) -> GatedSCNNHead:
    torch.manual_seed(0)
    settings = dict(
        in_channels=CHANNELS,
        channels=8,
        shape_channels=(8, 4, 4, 2),
        skip_channels=4,
        aspp_channels=4,
        dilations=(1, 2),
        num_classes=3,
    )
    return GatedSCNNHead(**{**settings, **options})


def _levels(size: tuple[int, int] = SIZE) -> tuple[torch.Tensor, ...]:
    generator = torch.manual_seed(1)
    return tuple(
        torch.randn(2, c, size[0] // s, size[1] // s, generator=generator)
        for c, s in zip(CHANNELS, STRIDES, strict=True)
    )


def _samples(labels: torch.Tensor, edges: torch.Tensor | None = None) -> list[SegDataSample]:
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in labels]
    for sample, edge in zip(samples, [] if edges is None else edges, strict=False):
        sample.set_data(dict(gt_edge_map=PixelData(data=edge[None])))
    return samples


def _labels() -> torch.Tensor:
    labels = torch.zeros(2, *SIZE, dtype=torch.int64)
    labels[:, 8:20, 10:30] = 1
    labels[1, 15:, 20:40] = 2
    labels[:, :3] = 255
    return labels


@pytest.mark.parametrize(('scale', 'edges'), [(1, (32, 48)), (2, (16, 24)), (5, (7, 10))])
def test_logits_of_classes_and_edges(scale, edges) -> None:
    seg_logits, edge_logits = _head(shape_scale=scale)(_levels())
    assert seg_logits.shape == (2, 3, 8, 12)
    assert edge_logits.shape == (2, 1, *edges)


def test_gradient_tells_the_size_of_the_image() -> None:
    gradient = torch.zeros(2, 1, 31, 45)
    assert _head()(FeaturesWithGradient(_levels(), gradient))[1].shape == gradient.shape


def test_no_gradient_is_an_empty_one() -> None:
    head, levels = _head().eval(), _levels()
    empty = head(FeaturesWithGradient(levels, torch.zeros(2, 1, *SIZE)))
    torch.testing.assert_close(head(levels), empty)
    seen = head(FeaturesWithGradient(levels, torch.full((2, 1, *SIZE), 255.0)))
    assert (seen[0] - empty[0]).abs().max() > 1e-3  # it reaches the classes
    torch.testing.assert_close(seen[1], empty[1])  # but not the edges


def test_levels_are_told_by_their_places() -> None:
    """A level of another stride may be the fine one, and gates may be fewer."""
    head = _head(
        in_channels=(10, 4, 8), in_index=(-1, 0, 2), shape_index=1, skip_index=2,
        gate_indices=(0,), shape_channels=(8, 4),
    )  # fmt: skip
    seg_logits, edge_logits = head(_levels())
    assert seg_logits.shape[-2:] == (4, 6)
    assert edge_logits.shape[-2:] == SIZE


def test_predict_gives_classes_at_the_size_of_the_image() -> None:
    head = _head().eval()
    logits = head.predict(_levels(), [dict(img_shape=SIZE)] * 2, {})
    assert logits.shape == (2, 3, *SIZE)
    coarse = head(_levels())[0]
    torch.testing.assert_close(logits.mean((2, 3)), coarse.mean((2, 3)), atol=1e-2, rtol=1e-2)


def test_losses_and_their_gradients() -> None:
    head = _head()
    losses = head.loss(_levels(), _samples(_labels()), {})
    assert set(losses) == {'loss_ce', 'loss_dual', 'loss_edge', 'loss_att', 'acc_seg'}
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_edges_are_given_or_made_of_the_labels() -> None:
    head, levels, labels = _head().eval(), _levels(), _labels()

    def edge_loss(edges: torch.Tensor | None) -> torch.Tensor:
        return head.loss(levels, _samples(labels, edges), {})['loss_edge']

    made = shape_edges(labels, 2).long()
    assert made.unique().tolist() == [0, 1, 255]
    assert edge_loss(None) == edge_loss(made) != edge_loss(shape_edges(labels, 1).long())


def test_edges_are_made_unless_all_images_have_them() -> None:
    head, levels = _head().eval(), _levels()
    some = _samples(_labels(), torch.zeros(1, *SIZE))
    assert 'gt_edge_map' in some[0] and 'gt_edge_map' not in some[1]
    made = head.loss(levels, _samples(_labels()), {})['loss_edge']
    assert head.loss(levels, some, {})['loss_edge'] == made


def test_any_label_may_be_the_ignored_one() -> None:
    losses = []
    for index in (255, 7):
        labels = _labels().where(_labels() != 255, index)
        head = _head(ignore_index=index)
        head.loss_attention = EdgeAttentionLoss(threshold=0.0)
        torch.manual_seed(3)  # of the noise
        losses.append(head.eval().loss(_levels(), _samples(labels), {}))
    assert losses[0]['loss_att'] > 0
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize('align_corners', [False, True])
def test_losses_are_those_of_what_is_predicted(align_corners) -> None:
    head = _head(align_corners=align_corners).eval()
    logits = head.predict(_levels(), [dict(img_shape=SIZE)] * 2, {})
    expected = image_weighted_cross_entropy(logits, _labels())
    found = head.loss(_levels(), _samples(_labels()), {})['loss_ce']
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('num_classes', [1, 2])
@pytest.mark.filterwarnings('ignore:threshold is not defined')
def test_one_output_is_the_logit_of_class_one(num_classes) -> None:
    """Every default loss is then that of two outputs, of which the first is 0."""
    labels = _labels()
    labels[labels == 2] = 1
    one = _head(num_classes=num_classes, out_channels=1)
    two = _head(num_classes=2)
    state = one.state_dict()
    state['conv_seg.weight'] = torch.cat([torch.zeros_like(state['conv_seg.weight'])] * 2)
    state['conv_seg.weight'][1] = one.conv_seg.weight[0].detach()
    two.load_state_dict(state)
    found = []
    for head in (one, two):
        for loss in head.loss_decode:
            if hasattr(loss, 'noise'):
                loss.noise = False
        head.loss_attention.threshold = 0.0
        losses = head.eval().loss(_levels(), _samples(labels), {})
        found.append({name: value for name, value in losses.items() if 'loss' in name})
    assert found[0]['loss_ce'] > 0 and found[0]['loss_att'] > 0
    torch.testing.assert_close(*found)


@pytest.mark.filterwarnings('ignore:threshold is not defined')
def test_labels_of_one_output_are_zero_and_one() -> None:
    head = _head(num_classes=2, out_channels=1)
    with pytest.raises(ValueError, match=r'labels \[2\] are outside the 2 classes'):
        head.loss(_levels(), _samples(_labels()), {})


def test_edges_may_have_a_loss_of_mmsegmentation() -> None:
    """The cross-entropy of edges ignores unknown ones; names that are equal are added up."""
    edges = shape_edges(_labels(), 2)
    assert (edges == 255).any()
    cross_entropy = dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True)
    head = _head(loss_edge=dict(cross_entropy, loss_name='loss_edge')).eval()
    losses = head.loss(_levels(), _samples(_labels()), {})
    logits = head(_levels())[1].squeeze(1)[edges != 255]
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, edges[edges != 255].float()
    )
    torch.testing.assert_close(losses['loss_edge'], expected)
    head = _head(loss_edge=cross_entropy, loss_attention=None).eval()
    torch.testing.assert_close(
        head.loss(_levels(), _samples(_labels()), {})['loss_ce'], losses['loss_ce'] + expected
    )
    boundary = _head(loss_edge=dict(type='mmseg.BoundaryLoss', loss_name='loss_edge'))
    assert boundary.loss(_levels(), _samples(_labels()), {})['loss_edge'] > 0


def test_pixels_may_be_sampled_by_their_losses() -> None:
    sampler = dict(type='mmseg.OHEMPixelSampler', min_kept=100)
    losses = _head(sampler=sampler).loss(_levels(), _samples(_labels()), {})
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert losses['loss_ce'] > 0 and losses['loss_dual'] > 0


def test_convolutions_and_activations_are_those_of_the_config() -> None:
    head = _head(conv_cfg=dict(type='ConvWS'), act_cfg=dict(type='PReLU'))
    modules = [*head.aspp.branches, head.aspp.image, head.aspp.edge, *head.decoder]
    assert {type(module.conv).__name__ for module in modules} == {'ConvWS2d'}
    assert {type(module.activate).__name__ for module in modules} == {'PReLU'}
    assert not any(module.with_activation for module in _head(act_cfg=None).decoder)


def test_one_image_trains_with_group_norm_and_with_stored_statistics() -> None:
    """As one GPU has it; batch norm of the pooled image needs more than one value."""
    levels = tuple(level[:1] for level in _levels())
    with pytest.raises(ValueError, match='more than 1 value per channel'):
        _head().loss(levels, _samples(_labels()[:1]), {})
    for options in (dict(norm_cfg=dict(type='GN', num_groups=32)), dict(norm_eval=True)):
        head = _head(**options).train()
        before = {name: value.clone() for name, value in head.named_buffers()}
        losses = head.loss(levels, _samples(_labels()[:1]), {})
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        assert all(parameter.grad is not None for parameter in head.parameters())
        assert all((value == before[name]).all() for name, value in head.named_buffers())


@pytest.mark.parametrize('by_runner', [False, True])
def test_checkpointed_shape_stream_has_the_same_gradients(by_runner) -> None:
    """By the head's option, and by the runner's, which knows tensors as arguments alone."""
    found = []
    for checkpointed in (False, True):
        head = _head(with_cp=checkpointed and not by_runner)
        if checkpointed and by_runner:
            turn_on_activation_checkpointing(head, 'shape_stream')
        levels = [level.requires_grad_() for level in _levels()]
        torch.manual_seed(3)
        losses = head.loss([level * 1 for level in levels], _samples(_labels()), {})
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        found.append([value.grad for value in (*levels, *head.parameters())])
    torch.testing.assert_close(*found)


def test_checkpointed_shape_stream_keeps_less() -> None:
    kept = []
    for with_cp in (False, True):
        sizes = []
        head = _head(with_cp=with_cp)
        stream = (SIZE, *(level.requires_grad_() for level in _levels()))
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, sizes=sizes: sizes.append(x.numel()) or x, lambda x: x
        ):
            head.shape_stream(*stream)
        kept.append(sum(sizes))
    assert kept[1] < 0.4 * kept[0]


def test_losses_can_be_left_out() -> None:
    head = _head(
        loss_decode=dict(type='mmseg.CrossEntropyLoss'), loss_edge=None, loss_attention=None
    )
    assert set(head.loss(_levels(), _samples(_labels()), {})) == {'loss_ce', 'acc_seg'}


def test_attention_uses_the_threshold_of_its_loss() -> None:
    everywhere = dict(type='mmfewshot_seg.EdgeAttentionLoss', threshold=0.0)
    losses = _head(loss_attention=everywhere).loss(_levels(), _samples(_labels()), {})
    torch.testing.assert_close(losses['loss_att'], losses['loss_ce'])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(gate_indices=(1, 2, 4)), r'gate_indices \[1, 2, 4\]: expected places in in_index'),
        (dict(shape_index=-1), r'shape_index \[-1\]: expected places'),
        (dict(skip_index=4), r'skip_index \[4\]: expected places'),
        (dict(shape_scale=0), 'shape_scale=0'),
        (dict(shape_scale=1.5), 'shape_scale=1.5, expected a whole number'),
        (dict(shape_stride=0), 'shape_stride=0'),
        (dict(edge_radius=0), 'edge_radius=0'),
        (
            dict(in_channels=CHANNELS[:3]),
            r'in_channels=\(4, 6, 8\) and in_index=\(0, 1, 2, 3\), expected sequences',
        ),
        (
            dict(num_classes=2, out_channels=1, loss_decode=dict(type='mmseg.CrossEntropyLoss')),
            'loss_decode: CrossEntropyLoss compares .* out_channels=1: give it use_sigmoid=True',
        ),
        (
            dict(loss_edge=dict(type='mmseg.CrossEntropyLoss')),
            'loss_edge: CrossEntropyLoss .* edges have a single one',
        ),
        (dict(gate_indices=1), 'gate_indices=1, expected a sequence'),
        (dict(shape_channels=8), 'shape_channels=8, expected a sequence'),
        (dict(dilations=3), 'dilations=3, expected a sequence'),
        (dict(shape_channels=(8, 4)), 'expected 4, one more than the 3 gates'),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        _head(**options)


def test_levels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r'in_index=\(0, 1, 2, 3\), but .* gives 3 levels'):
        _head()(_levels()[:3])
    with pytest.raises(
        ValueError, match=r'in_channels=\(4, 6, 8, 10\), but .* has \[4, 8, 6, 10\]'
    ):
        _head()([_levels()[place] for place in (0, 2, 1, 3)])


def test_labels_outside_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r'labels \[2\] are outside the 2 classes'):
        _head(num_classes=2).loss(_levels(), _samples(_labels()), {})


def test_edges_of_another_size_are_refused() -> None:
    """As of a pipeline that crops after it makes the edges."""
    samples = _samples(_labels(), torch.zeros(2, 40, 48))
    with pytest.raises(ValueError, match='gt_edge_map of .*40, 48.* put GenerateShapeEdge after'):
        _head().loss(_levels(), samples, {})


class _WithGradient(torch.nn.Module):
    """The head for exporters, which take tensors only."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _head()

    def forward(self, gradient: torch.Tensor, *levels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.head(FeaturesWithGradient(levels, gradient))


def _inputs(size: tuple[int, int]) -> tuple[torch.Tensor, ...]:
    gradient = 255 * torch.randint(2, (2, 1, *size), generator=torch.manual_seed(2)).float()
    return gradient, *_levels(size)


@needs_free_sizes
@pytest.mark.slow
@torch.no_grad()
def test_exports_to_onnx_for_any_size(tmp_path) -> None:
    pytest.importorskip('onnx')
    runtime = pytest.importorskip('onnxruntime')
    model, file = _WithGradient().eval(), str(tmp_path / 'head.onnx')
    names = ['gradient', 'c1', 'c2', 'c3', 'c4']
    axes = {name: {2: f'{name}_h', 3: f'{name}_w'} for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            model, _inputs(SIZE), file, input_names=names, dynamic_axes=axes, dynamo=False
        )
    session = runtime.InferenceSession(file, providers=['CPUExecutionProvider'])
    for size in (SIZE, (64, 40)):
        inputs = _inputs(size)
        values = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        for found, expected in zip(session.run(None, values), model(*inputs), strict=True):
            torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-4)


@needs_free_sizes
@pytest.mark.slow
@torch.no_grad()
def test_exports_as_a_graph_for_any_size() -> None:
    model = _WithGradient().eval()
    height, width = torch.export.Dim('height', min=2), torch.export.Dim('width', min=2)
    image, fine, coarse = ({2: n * height, 3: n * width} for n in (8, 2, 1))
    shapes = (image, (fine, coarse, coarse, coarse))
    exported = torch.export.export(model, _inputs(SIZE), dynamic_shapes=shapes).module()
    for size in (SIZE, (64, 40)):
        torch.testing.assert_close(exported(*_inputs(size)), model(*_inputs(size)))
