"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def examples_of_modules() -> dict[str, int]:
    """Number of examples by name of module."""
    numbers = {}
    for path in sorted((ROOT / 'mmfewshot_seg').rglob('*.py')):
        number = path.read_text(encoding='utf-8').count('>>> ')
        if number:
            parts = path.relative_to(ROOT).with_suffix('').parts
            numbers['.'.join(parts).removesuffix('.__init__')] = number
    return numbers


@pytest.mark.parametrize(('module', 'number'), examples_of_modules().items())
def test_examples_in_docstrings(module, number, tmp_path, monkeypatch) -> None:
    """All of them: also those of classes and functions that are wrapped."""
    monkeypatch.chdir(tmp_path)  # where examples write their files
    results = doctest.testmod(import_module(module))  # prints what differs
    assert (results.failed, results.attempted) == (0, number)
