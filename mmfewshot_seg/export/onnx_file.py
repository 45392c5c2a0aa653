"""An ONNX file of a module: exported, compared with PyTorch, and told of itself.

Graphs are free in the first dimension of their inputs and, where the network allows, in height and
width. What a network does not allow is found by PyTorch's exporter, or by running the graph.
"""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch.export
from torch import Tensor, nn

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.files.whole_file import write_whole
from mmfewshot_seg.runtime.onnx_graph import VERSION_KEY
from mmfewshot_seg.version import __version__

TOLERANCE = 1e-3
"""Greatest difference to PyTorch, as a share of the largest value of an output, or of 1."""
DIVISORS = (1, 2, 4, 8, 16, 32)

Size = tuple[int, int]
Inputs = dict[str, Tensor | tuple[Tensor, ...]]


class Graph:
    """A module as an ONNX graph, in memory, compared with the module.

    Args:
        module: In evaluation; takes the values of ``sample`` in their order and returns a tuple.
        sample: Inputs of an image of a size, by name; a tuple is for ``*args`` at the end.
        size: Height and width that the graph is made with.
        free: Names of the dimensions of each input, None for a fixed one. Those that begin with
            ``height`` or ``width`` are fixed too if the network does not allow others.
        outputs: Names of what the module returns.
        choices: Share of an output's values that may differ more, for a module that chooses between
            numbers: where rounding makes another choice, another number is as right.

    Attributes:
        size: Height and width if they are fixed, else None.
        size_divisor: What height and width are multiples of; None if they are fixed.

    Raises:
        UsageError: If PyTorch is too old.
        ValueError: If the graph differs from the module, see :data:`TOLERANCE`, or cannot be made.
    """

    def __init__(
        self,
        module: nn.Module,
        sample: Callable[[Size], Inputs],
        size: Size,
        free: Mapping[str, Sequence[str | None] | tuple[Sequence[str | None], ...]],
        outputs: Sequence[str],
        choices: float = 0,
    ) -> None:
        require_exporter()
        self._choices = choices
        self._module, self._sample, self._outputs = module.eval(), sample, tuple(outputs)
        self.size_divisor: int | None = None
        self.size: Size | None = None
        if any(_is_size(name) for names in _listed(free) for name in names):
            try:
                self._export(size, free)
                self.size_divisor = self._find_divisor(size, free)
            except _NotExportableError:
                pass
        if self.size_divisor is None:
            self.size = size
            self._export(size, _without_sizes(free))
        self.check(size)
        self._compare(_first_of_each(sample(size), free), f'one at {size[0]}x{size[1]}')

    def check(self, size: Size) -> None:
        """Compare the graph with the module on inputs of a size.

        Raises:
            ValueError: If they differ.
        """
        self._compare(self._sample(size), f'{size[0]}x{size[1]}')

    def _compare(self, inputs: Inputs, case: str) -> None:
        expected = self._module(*_flat(inputs))
        arrays = [value.numpy() for value in _flat(inputs)]
        found = self._session.run(None, dict(zip(self._names(inputs), arrays, strict=True)))
        for name, ours, theirs in zip(self._outputs, found, expected, strict=True):
            compare(f'{name} at {case}', ours, theirs.numpy(), self._choices)

    def write(self, path: Path, meta: Mapping[str, Any]) -> None:
        """Write the graph with meta data, each as JSON; whole or not at all.

        Args:
            path: File to write.
            meta: Plain values by name; ``size``, ``size_divisor`` and the version are added.
        """
        meta = {
            VERSION_KEY: __version__,
            **meta,
            'size': self.size,
            'size_divisor': self.size_divisor,
        }
        onnx.helper.set_model_props(self._proto, {k: json.dumps(v) for k, v in meta.items()})
        write_whole(path, self._proto.SerializeToString())

    def _export(self, size: Size, free: Mapping) -> None:
        inputs = self._sample(size)
        auto = torch.export.Dim.AUTO
        shapes = tuple(
            tuple(_dims(d, auto) for d in dims) if isinstance(dims, tuple) else _dims(dims, auto)
            for dims in free.values()
        )
        names = self._names(inputs)
        try:
            with _quiet():
                program: Any = torch.onnx.export(
                    self._module,
                    tuple(_flat(inputs)),
                    input_names=names,
                    output_names=self._outputs,
                    dynamic_shapes=shapes,
                    dynamo=True,
                    verbose=False,
                )
            self._proto = program.model_proto
            _strip(self._proto)
            _name_dimensions(self._proto, free)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            self._session = onnxruntime.InferenceSession(
                self._proto.SerializeToString(), options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # PyTorch and ONNX Runtime raise whatever they meet
            raise _NotExportableError(
                f'{type(self._module).__name__} cannot be exported: {_reason(error)}'
            ) from error

    def _find_divisor(self, size: Size, free: Mapping) -> int | None:
        """The least divisor of sizes that the graph is right for; None if sizes are fixed."""
        taken = zip(self._session.get_inputs(), _listed(free), strict=True)
        if any(
            isinstance(side, int) and _is_size(name)
            for each, names in taken
            for side, name in zip(each.shape, names, strict=True)
        ):
            return None
        height, width = (-(-side // DIVISORS[-1]) * DIVISORS[-1] for side in size)
        for divisor in DIVISORS:
            try:
                self.check((height + divisor, width + 3 * divisor))
            except Exception:  # noqa: S112  ONNX Runtime has a class for each kind of fault
                continue
            return divisor
        return None

    @staticmethod
    def _names(inputs: Inputs) -> list[str]:
        names = []
        for name, value in inputs.items():
            if isinstance(value, tuple):
                names += name.split()
            else:
                names.append(name)
        return names


class _NotExportableError(ValueError):
    """A network that the exporter refuses."""


def require_exporter() -> None:
    """Refuse a PyTorch whose exporter knows no free sizes.

    Raises:
        UsageError: If it is too old.
    """
    if not hasattr(getattr(torch.export, 'Dim', None), 'AUTO'):
        raise UsageError(
            f'ONNX files are written by PyTorch 2.6 or newer, this is {torch.__version__}: export '
            "in an environment of the default stack (pip install 'mmfewshot_seg[onedl,export]'); "
            'checkpoints of both stacks are the same, and the files run anywhere'
        )


def compare(name: str, found: np.ndarray, expected: np.ndarray, choices: float = 0) -> None:
    """Compare an output with that of PyTorch.

    Args:
        name: Of the output, for messages.
        found: The output.
        expected: That of PyTorch.
        choices: Share of the values that may differ more, see :class:`Graph`.

    Raises:
        ValueError: If the difference is more than :data:`TOLERANCE`.
    """
    if found.shape != expected.shape:
        raise ValueError(f'{name} of the graph has shape {found.shape}, not {expected.shape}')
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    differences = np.abs(found - expected)
    allowed = TOLERANCE * max(1, np.abs(expected).max(initial=0))
    too_large = ~(differences <= allowed)  # NaN too
    if too_large.sum() > choices * too_large.size:
        raise ValueError(
            f'{name} of the graph differs from PyTorch by {differences.max():.2g}, more than '
            f'{allowed:.2g}'
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, and the graphs that it prints where it fails."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter('ignore')
        yield


def _reason(error: BaseException) -> str:
    """First line of what is at the bottom of an error."""
    while error.__cause__:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__


def _flat(inputs: Inputs) -> list[Tensor]:
    return [
        tensor
        for value in inputs.values()
        for tensor in (value if isinstance(value, tuple) else (value,))
    ]


def _dims(dims: Sequence[str | None], auto: object) -> dict[int, object]:
    return {axis: auto for axis, name in enumerate(dims) if name}


def _first_of_each(inputs: Inputs, free: Mapping) -> Inputs:
    """The same inputs with one image, support or box, where their number is free."""

    def first(tensor: Tensor, dims: Sequence[str | None]) -> Tensor:
        return tensor[:1] if dims[0] else tensor

    return {
        name: tuple(map(first, value, free[name]))
        if isinstance(value, tuple)
        else first(value, free[name])
        for name, value in inputs.items()
    }


def _is_size(name: str | None) -> bool:
    return name is not None and name.startswith(('height', 'width'))


def _listed(free: Mapping) -> list[Sequence[str | None]]:
    return [one for dims in free.values() for one in (dims if isinstance(dims, tuple) else (dims,))]


def _without_sizes(free: Mapping) -> dict:
    def fixed(dims: Sequence) -> list:
        return [None if _is_size(dim) else dim for dim in dims]

    return {
        name: tuple(map(fixed, dims)) if isinstance(dims, tuple) else fixed(dims)
        for name, dims in free.items()
    }


def _strip(proto: onnx.ModelProto) -> None:
    """Remove the exporter's notes, which hold source lines and paths of this machine."""
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ''
    for values in (proto.graph.value_info, proto.graph.input, proto.graph.output):
        for value in values:
            del value.metadata_props[:]
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]


def _name_dimensions(proto: onnx.ModelProto, free: Mapping) -> None:
    """Give free dimensions the names of ``free``; PyTorch's are ``s77`` and the like."""
    names: dict[str, str] = {}
    for value, dims in zip(proto.graph.input, _listed(free), strict=True):
        for dim, name in zip(value.type.tensor_type.shape.dim, dims, strict=True):
            if dim.dim_param and name:
                names.setdefault(dim.dim_param, name)
    for values in (proto.graph.input, proto.graph.output, proto.graph.value_info):
        for value in values:
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param:
                    dim.dim_param = re.sub(
                        r'\w+', lambda word: names.get(word[0], word[0]), dim.dim_param
                    )
