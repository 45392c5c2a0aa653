"""Small ONNX files made by hand, in the form of exported networks."""

import json
from pathlib import Path

from onnx import TensorProto, helper

from mmfewshot_seg.runtime.onnx_graph import VERSION_KEY

IMAGES = dict(steps=[], mean=[0, 0, 0], std=[1, 1, 1], channel_order='BGR')
SEMANTIC = dict(
    kind='semantic',
    classes=['a', 'b', 'c'],
    align_corners=False,
    threshold=None,
    window=None,
    gradient=None,
    size=None,
    size_divisor=1,
    **IMAGES,
)


def write_onnx(path: Path, nodes: list, inputs: dict, outputs: dict, meta: dict | None) -> Path:
    """A graph of nodes; inputs and outputs are shapes by name, int64 where a name says mask."""

    def values(shapes: dict) -> list:
        return [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name == 'mask' else TensorProto.FLOAT, shape
            )
            for name, shape in shapes.items()
        ]

    graph = helper.make_graph(nodes, 'graph', values(inputs), values(outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)
    if meta is not None:
        texts = {VERSION_KEY: '0', **meta}
        helper.set_model_props(model, {name: json.dumps(value) for name, value in texts.items()})
    path.write_bytes(model.SerializeToString())
    return path


def write_semantic(folder: Path, sides: tuple = ('height', 'width'), **meta) -> Path:
    """``model.onnx`` whose logits are the channels of the image."""
    shape = ['images', 3, *sides]
    nodes = [helper.make_node('Identity', ['image'], ['logits'])]
    inputs = dict(image=shape)
    return write_onnx(
        folder / 'model.onnx', nodes, inputs, dict(logits=shape), dict(SEMANTIC, **meta)
    )


def write_fewshot(folder: Path, **meta) -> Path:
    """``support.onnx`` and ``query.onnx``.

    The prototype of a class is the greatest value of the image's first channel, (1, 2, 1), the
    same for background and class; the score of each class is its prototype times the channel.
    """
    common = dict(weights='w', join='means', takes_negatives=False, size=None, size_divisor=1)
    common = dict(common, **IMAGES)
    image = ['supports', 3, 'height', 'width']
    nodes = [
        helper.make_node('ReduceMax', ['image'], ['greatest'], keepdims=0),
        helper.make_node('Cast', ['mask'], ['float_mask'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['float_mask'], ['share'], keepdims=0),
        helper.make_node('Constant', [], ['shape'], value_ints=[1, 1, 1]),
        helper.make_node('Reshape', ['greatest', 'shape'], ['foreground']),
        helper.make_node('Reshape', ['share', 'shape'], ['background']),
        helper.make_node('Concat', ['background', 'foreground'], ['prototypes'], axis=1),
    ]
    inputs = dict(image=image, mask=['supports', 'height', 'width'])
    outputs = dict(prototypes=['supports', 2, 1])
    support = dict(common, kind='few-shot support')
    write_onnx(folder / 'support.onnx', nodes, inputs, outputs, support)
    nodes = [
        helper.make_node('Constant', [], ['shape'], value_ints=[1, -1, 1, 1]),
        helper.make_node('Reshape', ['prototypes', 'shape'], ['factors']),
        helper.make_node('Constant', [], ['axes'], value_ints=[1]),
        helper.make_node('ReduceMean', ['image', 'axes'], ['grey'], keepdims=1),
        helper.make_node('Mul', ['grey', 'factors'], ['logits']),
    ]
    inputs = dict(image=image, prototypes=[1, 'classes', 1])
    outputs = dict(logits=['queries', 'classes', 'height', 'width'])
    query = dict(common, kind='few-shot query', align_corners=False, refine=None)
    write_onnx(folder / 'query.onnx', nodes, inputs, outputs, query | meta)
    return folder
