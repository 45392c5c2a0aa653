"""Figures of a package that is written by hand."""

import ast
import re

import pytest
from helpers.tool_calls import call_tool

from tools.analysis_tools.code_report import (
    circles,
    import_graph,
    is_typed,
    modules,
    public_functions,
    report,
)

FILES = {
    '__init__': '',
    'models/__init__': 'from house.models import wing\n',
    'models/wing/__init__': '',
    'models/wing/head': 'from house.data.source import read\n\ndef late():\n    import house.top\n',
    'data/__init__': 'from house.data.source import read\n',
    'data/source': 'import os\nfrom house.data import names\n\ndef read(path):\n    """Read."""\n',
    'data/names': 'from house.data.source import read\n',
    'top': '',
}


@pytest.fixture
def house(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / f'house/{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / 'house'


def test_modules_and_imports(house) -> None:
    assert list(modules(house)) == [
        '',
        'data',
        'data.names',
        'data.source',
        'models',
        'models.wing',
        'models.wing.head',
        'top',
    ]
    graph = import_graph(house)
    assert graph['models.wing.head'] == {'data.source', 'top'}
    assert graph['models'] == {'models.wing'}
    assert graph['data.source'] == {'data.names'}


def test_circles_are_groups_of_modules() -> None:
    graph = dict(a={'b'}, b={'c'}, c={'a', 'd'}, d={'e'}, e={'d'}, f={'a'})
    assert circles(graph) == [['a', 'b', 'c'], ['d', 'e']]


def test_public_functions_and_their_types() -> None:
    tree = ast.parse(
        'def whole(a: int, *b: int) -> None: ...\n'
        'def half(a: int): ...\n'
        'def _own(a): ...\n'
        'class Kind:\n    def method(self, *, x) -> int: ...\n    def __init__(self): ...\n'
        'class _Own:\n    def method(self): ...\n'
    )
    found = {each.name: is_typed(each) for each in public_functions(tree)}
    assert found == dict(whole=True, half=False, method=False)


def test_report(house) -> None:
    text = report(house)
    assert '| models.wing | 2 | 4 | data, top |' in text
    assert '| data | 3 | 7 |  |' in text
    assert '| lines of the largest file | 5 (data/source.py) |' in text
    assert '| circles of imports | data.names - data.source |' in text
    assert '| public functions with a docstring | 1 of 2 |' in text


def test_the_tool(house, tmp_path, capfd) -> None:
    assert call_tool('analysis_tools/code_report') == 0
    assert re.search(r'\| models\.fewshot \| \d+ \| \d{4} \|', capfd.readouterr().out)
    assert call_tool('analysis_tools/code_report', tmp_path) == 2
    assert 'is no package' in capfd.readouterr().err
