"""Rooms of the package stand on floors, and import from floors below alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = 'mmfewshot_seg'
# From the ground up; docs/architecture.md draws them. Rooms of a floor do not see each other.
FLOORS = (
    ('command', 'compat', 'did_you_mean', 'first_process', 'functional', 'version'),
    ('__init__', 'diagnosis', 'parts'),
    ('registry',),
    ('files',),
    ('checkpoints', 'classes', 'structures'),
    (
        'datasets',
        'models.encoders',
        'models.fewshot',
        'models.refinemask',
        'models.semseg',
        'models.zeroshot',
    ),
    ('converters', 'evaluation', 'models', 'results'),
    ('engine', 'testing', 'visualization'),
    ('apis',),
    ('studies', 'web'),
    ('__main__',),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def room_of(module: str) -> str:
    """Room of a module; names are relative to the package."""
    first, _, rest = module.partition('.')
    if first == 'models' and rest:
        return f'models.{rest.partition(".")[0]}'
    return first or '__init__'


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module, relative to the package, of what a file imports from it, wherever."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == PACKAGE:
            module = node.module.partition('.')[2]
            if module in ('', 'models'):  # names of it may be rooms
                yield from (
                    (node.lineno, f'{module}.{each.name}'.strip('.')) for each in node.names
                )
            else:
                yield node.lineno, module
        elif isinstance(node, ast.Import):
            names = (each.name for each in node.names if each.name.partition('.')[0] == PACKAGE)
            yield from ((node.lineno, name.partition('.')[2]) for name in names)


def wrong_imports(root: Path) -> list[str]:
    """File, line and rooms of each import that does not lead down."""
    found = []
    for path in sorted((root / PACKAGE).rglob('*.py')):
        parts = path.relative_to(root / PACKAGE).with_suffix('').parts
        room = room_of('.'.join(parts[:-1] if parts[-1] == '__init__' else parts))
        for line, module in imports(path):
            other = room_of(module)
            if other != room and FLOOR_OF[other] >= FLOOR_OF[room]:
                found.append(f'{path.relative_to(root)}:{line}: {room} imports {other}')
    return found


def test_imports_lead_down() -> None:
    assert wrong_imports(ROOT) == []


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
