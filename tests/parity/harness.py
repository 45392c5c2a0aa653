"""Collect and compare fixtures: what an official implementation computed on stand-in weights.

A case is an entry of ``<system>/cases.json`` and its ``.npz`` beside it. An adapter,
``adapters/<system>.py``, maps each ``kind`` of case to a function that computes our values.
"""

import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path

import torch
from parity.reference import load_fixture, load_manifest, reference_state_dict
from parity.statements import Statement, parse

OUR_DATA = Path(__file__).parent / 'data'
DATA = Path(os.environ.get('PARITY_DIR', OUR_DATA)).resolve()
GRADIENTS = ('grad:', 'grad.')
OUTPUTS = ('out_', 'out.', 'grad.')


@dataclass(frozen=True)
class Case:
    """One fixture: ``spec`` is its entry in ``cases.json``."""

    system: str
    key: str
    spec: dict

    def __str__(self) -> str:
        return f'{self.system}-{self.key}'

    @cached_property
    def arrays(self) -> dict:
        """All arrays of the fixture, among them inputs that are not drawn."""
        if 'files' in self.spec:  # of other kinds, which the adapter reads
            return {}
        return load_fixture(self.path(self.spec.get('file', f'{self.key}.npz')))

    @cached_property
    def expected(self) -> dict:
        """What is compared: arrays that are listed, else those named as outputs, else all.

        Without arrays, the numbers of the case, ``<group>.<name>``.
        """
        stated = self.spec.get('expected')
        if isinstance(stated, list):
            return {key: self.arrays[key] for key in stated}
        if not self.arrays:
            groups = stated.items()
            return {f'{group}.{key}': value for group, of in groups for key, value in of.items()}
        outputs = {key: value for key, value in self.arrays.items() if key.startswith(OUTPUTS)}
        return outputs or self.arrays

    def path(self, file: str) -> Path:
        """A file beside the case."""
        return DATA / self.system / file

    def checkpoint(self, default_manifest: str = 'manifest.json', keys: str = '') -> dict:
        """Stand-in checkpoint of the case's manifest: within the case, beside it, or our own.

        Only keys that begin with the regular expression ``keys`` are drawn.
        """
        if 'weights_manifest' in self.spec:
            return reference_state_dict(self.spec['weights_manifest'])
        named = re.search(r'[\w.-]+\.json', str(self.spec.get('weights')))
        name = self.spec.get('manifest', named[0] if named else default_manifest)
        folders = [DATA / self.system, OUR_DATA / self.system]
        path = next((folder / name for folder in folders if (folder / name).exists()), None)
        if path is None:
            raise FileNotFoundError(f'manifest {name} of {self} is in none of {folders}')
        manifest = load_manifest(path)
        return reference_state_dict({k: v for k, v in manifest.items() if re.match(keys, k)})

    def compute(self) -> dict:
        """Our values, by the adapter of the system and kind."""
        adapters = import_module(f'parity.adapters.{self.system}').ADAPTERS
        kind = self.spec.get('kind')
        if kind not in adapters:
            raise KeyError(f'{self}: no adapter for kind {kind!r}')
        return adapters[kind](self)

    def statement(self, entry: str) -> Statement:
        """What the case states of all its entries, or of this one; else the adapter, else ours."""
        if 'tolerance' in self.spec:
            return Statement(atol_of_max=float(self.spec['tolerance']))
        expected = self.spec.get('expected', {})
        stated = expected.get(entry) if isinstance(expected, dict) else None
        if isinstance(stated, str):  # elsewhere it is the dtype and the shape
            return parse(stated)
        adapter = import_module(f'parity.adapters.{self.system}')
        default = (0.0, 1e-3 if entry.startswith(GRADIENTS) else 1e-4)
        absolute, of_max = getattr(adapter, 'TOLERANCES', {}).get(entry, default)
        return Statement(atol=absolute, atol_of_max=of_max)


def collect() -> list[Case]:
    """Every case of every system, in a fixed order."""
    files = sorted(DATA.glob('*/cases.json'))
    if not files:
        raise FileNotFoundError(f'no <system>/cases.json in {DATA}')
    cases = []
    for file in files:
        content = json.loads(file.read_text())
        specs = content.get('cases', content)
        cases += [
            Case(file.parent.name, key, spec)
            for key, spec in specs.items()
            if not key.startswith('_')
        ]
    return cases


def compare(case: Case, entry: str, ours, expected) -> str | None:
    """Describe the difference of one entry, or None if it is within tolerance."""
    ours, expected = (torch.as_tensor(value).detach().double() for value in (ours, expected))
    if ours.shape != expected.shape:
        return f'{entry}: shape {tuple(ours.shape)}, expected {tuple(expected.shape)}'
    if expected.numel() == 0:
        return None
    difference = case.statement(entry).difference(ours, expected)
    return difference and f'{entry}: {difference}'
