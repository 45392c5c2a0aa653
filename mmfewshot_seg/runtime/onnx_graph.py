"""An ONNX file of ``tools/export.py``: its graph, and what it says of itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

VERSION_KEY = 'mmfewshot_seg_version'


class OnnxGraph:
    """A graph that runs, with its meta data.

    Args:
        path: File that ``tools/export.py`` wrote.
        kind: What it must hold, as its meta data say: ``'few-shot support'``, ``'few-shot query'``,
            ``'semantic'``, ``'refinemask features'`` or ``'refinemask masks'``. None: any.
        threads: Threads of ONNX Runtime; by default as many as there are cores.

    Attributes:
        meta: Meta data by name, see ``docs/export.md``.
        input_names: Names of the inputs.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ONNX file, was written by something else, or holds another kind.
    """

    def __init__(
        self, path: str | Path, kind: str | None = None, threads: int | None = None
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f'{path} does not exist; tools/export.py writes such files')
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=['CPUExecutionProvider']
            )
        except Exception as error:  # a class of its own for each kind of fault
            reason = str(error).splitlines()[0]
            raise ValueError(f'{path} cannot be read as an ONNX file: {reason}') from error
        texts = self.session.get_modelmeta().custom_metadata_map
        if VERSION_KEY not in texts:
            raise ValueError(f'{path} was not written by tools/export.py: it has no {VERSION_KEY}')
        self.meta: dict[str, Any] = {name: json.loads(text) for name, text in texts.items()}
        if kind not in (None, self.meta['kind']):
            raise ValueError(f'{path} holds a graph of kind {self.meta["kind"]!r}, not {kind!r}')
        self._inputs = self.session.get_inputs()
        self.input_names = tuple(each.name for each in self._inputs)
        self._output_names = [each.name for each in self.session.get_outputs()]

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by name, of inputs by name.

        Raises:
            ValueError: If an input is missing, or the graph does not take its shape.
        """
        if missing := [name for name in self.input_names if name not in inputs]:
            raise ValueError(
                f'{self.path.name} takes {", ".join(self.input_names)}; {", ".join(missing)} is '
                f'missing, given are {", ".join(inputs) or "none"}'
            )
        for each in self._inputs:
            self._check(each.name, inputs[each.name].shape, each.shape)
        values = self.session.run(self._output_names, inputs)
        return dict(zip(self._output_names, values, strict=True))

    def _check(self, name: str, shape: tuple[int, ...], wanted: list) -> None:
        pairs = zip(shape, wanted, strict=False)
        fits = len(shape) == len(wanted) and all(isinstance(w, str) or s == w for s, w in pairs)
        divisor = self.meta.get('size_divisor')
        if name == 'image' and fits and divisor:
            fits = not any(side % divisor for side in shape[-2:])
            wanted = [*wanted[:-2], *2 * [f'multiple of {divisor}']]
        if not fits:
            raise ValueError(
                f'{self.path.name}: {name} of shape {tuple(shape)}, but the graph takes '
                f'({", ".join(map(str, wanted))}); export it with another size, or bring images '
                'to this one'
            )
