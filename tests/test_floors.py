"""Rooms of the package stand on floors, and import from floors below alone."""

import ast
from pathlib import Path

import pytest

from tools.analysis_tools.code_report import circles, import_graph, imports, modules, room_of

ROOT = Path(__file__).parents[1]
PACKAGE = 'mmfewshot_seg'
# From the ground up; docs/architecture.md draws them. Rooms of a floor do not see each other.
FLOORS = (
    ('command', 'compat', 'did_you_mean', 'first_process', 'functional', 'version'),
    ('__init__', 'diagnosis', 'parts'),
    ('registry',),
    ('files',),
    ('checkpoints', 'classes', 'runtime', 'structures'),
    (
        'datasets',
        'models.encoders',
        'models.fewshot',
        'models.refinemask',
        'models.semseg',
        'models.zeroshot',
        'results',
    ),
    ('annotations', 'converters', 'evaluation', 'models'),
    ('engine', 'testing', 'visualization'),
    ('apis',),
    ('export', 'studies', 'web'),
    ('__main__',),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def wrong_imports(root: Path) -> list[str]:
    """File, line and rooms of each import that does not lead down."""
    found = []
    for name, path in modules(root / PACKAGE).items():
        room = room_of(name)
        for line, module in imports(path, PACKAGE):
            other = room_of(module)
            if other != room and FLOOR_OF[other] >= FLOOR_OF[room]:
                found.append(f'{path.relative_to(root)}:{line}: {room} imports {other}')
    return found


def test_imports_lead_down() -> None:
    assert wrong_imports(ROOT) == []


def test_no_modules_import_each_other() -> None:
    assert circles(import_graph(ROOT / PACKAGE)) == []


def test_every_room_has_its_floor() -> None:
    package = ROOT / PACKAGE
    rooms = {room_of(path.stem) for path in package.glob('*.py')}
    rooms |= {path.parent.name for path in package.glob('*/__init__.py')}
    rooms |= {f'models.{path.parent.name}' for path in package.glob('models/*/__init__.py')}
    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize(
    ('module', 'line', 'rooms'),
    [
        ('models/semseg/new', 'from mmfewshot_seg.datasets.folds import COCO', 'datasets'),
        ('models/semseg/new', 'from mmfewshot_seg.models import fewshot', 'models.fewshot'),
        ('files/new', 'import mmfewshot_seg.apis', 'apis'),
        ('classes/__init__', 'def f():\n    from mmfewshot_seg import structures', 'structures'),
    ],
)
def test_an_import_up_or_aside_is_found(tmp_path, module, line, rooms) -> None:
    path = tmp_path / f'{PACKAGE}/{module}.py'
    path.parent.mkdir(parents=True)
    path.write_text(f'import torch\n{line}\n')
    (found,) = wrong_imports(tmp_path)
    assert (
        found.endswith(f'imports {rooms}') and f'{module}.py:{2 + line.count(chr(10))}: ' in found
    )


def test_what_every_tool_imports_first_needs_no_host() -> None:
    for name in ('command', 'did_you_mean', 'functional/key_renaming'):
        tree = ast.parse((ROOT / PACKAGE / f'{name}.py').read_text(encoding='utf-8'))
        roots = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split('.')[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not roots & {'torch', 'mmengine', 'mmcv', 'mmdet', 'mmseg'}, name
