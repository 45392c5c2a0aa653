"""Benchmark cases by name. Importing this package is cheap; a case is built where it is measured.

A new case is a row of ``CASES`` and, for a new system, a module of builders beside this one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module


@dataclass(frozen=True)
class Case:
    """Something we compute, and a peer that computes the same (or is named to be compared).

    Attributes:
        module: Module of this package that has the builder.
        builder: Function of it: ``builder(side, device, tiny, **options)`` returns a call without
            arguments that does the work once. ``tiny`` inputs take no time, for trying and for
            warming up.
        peer: What ours is compared with, in words.
        options: Options of the builder.
        has_backbone: Whether the builder knows the side ``'backbone'`` too: the backbone's work
            that belongs to ours. The share of the head is then reported.
        needs_ops: Whether mmcv's compiled ops are needed.
        is_exported: Whether ours is an ONNX graph: on the CPU, with PyTorch 2.6 or newer.
        takes_amp: Whether autocast changes anything; the rest counts whole numbers, or is computed
            in float32 by whoever calls it.
    """

    module: str
    builder: str
    peer: str
    options: dict = field(default_factory=dict)
    has_backbone: bool = False
    needs_ops: bool = False
    is_exported: bool = False
    takes_amp: bool = True

    @property
    def sides(self) -> tuple[str, ...]:
        """Everything whose time is measured."""
        return ('ours', 'peer', 'backbone') if self.has_backbone else ('ours', 'peer')

    def build(
        self, side: str, device: str, tiny: bool = False, amp: bool = False
    ) -> Callable[[], object]:
        """The call of one side, its inputs in place; ``amp``: computed under bfloat16 autocast."""
        from mmengine.registry import DefaultScope

        module = import_module(f'{__package__}.{self.module}')
        host = 'mmdet' if self.needs_ops else 'mmseg'  # whatever the case before has set
        with DefaultScope.overwrite_default_scope(host):
            call = getattr(module, self.builder)(side, device, tiny, **self.options)
        if amp:
            import torch

            call = torch.autocast(device, torch.bfloat16)(call)
        return call


def _panet_head(builder: str, shots: int) -> Case:
    return Case('panet', builder, 'naive head', dict(shots=shots), has_backbone=True)


def _dense_matching(shots: int) -> Case:
    return Case('dense_matching', 'matching', 'whole attention maps', dict(shots=shots))


def _asgnet_head(shots: int, **options) -> Case:
    options = dict(shots=shots, **options)
    return Case('asgnet', 'head_forward', 'naive head', options, has_backbone=True)


def _position_attention(height: int, width: int, builder: str = 'forward') -> Case:
    return Case('position_attention', builder, 'mmseg DAHead', dict(size=(height, width)))


def _refinemask(builder: str, **options) -> Case:
    return Case('refinemask', builder, 'naive head', options, needs_ops=True)


def _refinemask_beside(peer: str, method: str) -> Case:
    """For the reader: the peer is another method, which computes something else."""
    return Case('refinemask', 'inference_beside', peer, dict(method=method), needs_ops=True)


def _zsi(builder: str) -> Case:
    return Case('zsi', builder, 'published formulation', needs_ops=True)


COCO = dict(num_classes=80, agnostic_end=False)
LVIS = dict(num_classes=1203, agnostic_end=True)
CASES = {
    'panet_head_1shot': _panet_head('head_forward', shots=1),
    'panet_head_5shot': _panet_head('head_forward', shots=5),
    'panet_head_train_1shot': _panet_head('head_training', shots=1),
    'panet_head_train_5shot': _panet_head('head_training', shots=5),
    'panet_train_step': Case('panet', 'train_step', 'naive head', dict(shots=1)),
    'panet_encoder_1shot': Case('panet', 'encoder', 'all images at once', dict(shots=1)),
    'panet_encoder_5shot': Case('panet', 'encoder', 'all images at once', dict(shots=5)),
    'sgc_gpa_1shot': Case('asgnet', 'sgc_gpa', 'naive loops', dict(shots=1), takes_amp=False),
    'sgc_gpa_5shot': Case('asgnet', 'sgc_gpa', 'naive loops', dict(shots=5), takes_amp=False),
    'asgnet_head_1shot': _asgnet_head(shots=1),
    'asgnet_head_5shot': _asgnet_head(shots=5),
    'asgnet_no_convs_1shot': _asgnet_head(shots=1, convolutions=False),
    'asgnet_no_convs_5shot': _asgnet_head(shots=5, convolutions=False),
    'dense_matching_1shot': _dense_matching(shots=1),
    'dense_matching_5shot': _dense_matching(shots=5),
    'dense_matching_100shot': _dense_matching(shots=100),
    'photograph_5shot': Case('dense_matching', 'photograph', 'supports anew', dict(shots=5)),
    'photographs_2workers': Case(
        'dense_matching', 'photographs', 'one by one', dict(num_workers=2)
    ),
    'onnx_photograph': Case('exported', 'query', 'PyTorch', is_exported=True, takes_amp=False),
    'onnx_danet': Case('exported', 'semantic', 'PyTorch', is_exported=True, takes_amp=False),
    'position_attention_97': _position_attention(97, 97),
    'position_attention_128': _position_attention(128, 128),
    'position_attention_128x256': _position_attention(128, 256),
    'position_attention_128_train': _position_attention(128, 128, 'training'),
    'gated_conv': Case('gated_scnn', 'gate', 'naive gate'),
    'shape_stream': Case('gated_scnn', 'shape_stream', 'naive gates', dict(scale=1)),
    'shape_stream_half': Case('gated_scnn', 'shape_stream', 'whole size', dict(scale=2)),
    'edge_labels': Case('gated_scnn', 'edge_labels', 'distances', takes_amp=False),
    'boundary_f': Case('gated_scnn', 'boundary_f', 'dilation', takes_amp=False),
    'boundary_f_noisy': Case(
        'gated_scnn', 'boundary_f', 'dilation', dict(noise=0.5), takes_amp=False
    ),
    'jpu_beside_dilation': Case('joint_upsampling', 'features', 'dilated ResNet-50'),
    'refinemask_infer_coco': _refinemask('inference', **COCO),
    'refinemask_infer_lvis': _refinemask('inference', **LVIS),
    'refinemask_train_coco': _refinemask('training', **COCO),
    'refinemask_train_lvis': _refinemask('training', **LVIS),
    'refinemask_targets': _refinemask('targets', objects=12),
    'refinemask_targets_crowd': _refinemask('targets', objects=300),
    'refinemask_beside_fcn': _refinemask_beside('FCNMaskHead', 'fcn'),
    'refinemask_beside_pointrend': _refinemask_beside('PointRend', 'pointrend'),
    'zsi_bbox_head': _zsi('bbox_head'),
    'zsi_mask_head': _zsi('mask_head'),
}
