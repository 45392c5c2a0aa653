"""How a package is built, read from its source: code_report.py [FOLDER].

Files, lines and imports of each room (a folder of the package, a wing of its models, or a module
beside them), sizes of files, circles of imports, docstrings and types of public functions.
Nothing is imported. An earlier state: ``git worktree add ../before COMMIT`` and its folder.
"""

import argparse
import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, UsageError, run_tool

Graph = dict[str, set[str]]


def room_of(module: str) -> str:
    """Room of a module; names are relative to the package."""
    first, _, rest = module.partition('.')
    if first == 'models' and rest:
        return f'models.{rest.partition(".")[0]}'
    return first or '__init__'


def modules(package: Path) -> dict[str, Path]:
    """Files of a package by the name of their module, that of a folder's ``__init__`` left out."""
    names = {}
    for path in sorted(package.rglob('*.py')):
        parts = path.relative_to(package).with_suffix('').parts
        names['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return names


def imports(path: Path, package: str) -> Iterator[tuple[int, str]]:
    """Line and module, relative to the package, of what a file imports from it, wherever.

    A name that is imported from a module follows it: it may be a module as well.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom):
            found = [f'{node.module}.{each.name}' for each in node.names]
        elif isinstance(node, ast.Import):
            found = [each.name for each in node.names]
        else:
            continue
        for name in found:
            root, _, module = name.partition('.')
            if root == package:
                yield node.lineno, module


def import_graph(package: Path) -> Graph:
    """For each module those that it imports, those within functions included."""
    known = modules(package)
    graph: Graph = {module: set() for module in known}
    for module, path in known.items():
        for _, name in imports(path, package.name):
            while name not in known:  # a function or class of the module before the last dot
                name = name.rpartition('.')[0]
            graph[module].add(name)
        graph[module] -= {module, ''}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Groups of modules of which each imports, perhaps through others, all of its group."""
    reached = {module: _reached(graph, module) for module in graph}
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in graph
        if module in reached[module]
    }
    return sorted(sorted(group) for group in groups)


def _reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions and methods whose names, those of their classes included, begin with a letter."""
    for node in tree.body:
        for each in node.body if isinstance(node, ast.ClassDef) and node.name[0] != '_' else [node]:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name[0] != '_':
                yield each


def is_typed(function: ast.FunctionDef) -> bool:
    """Whether all arguments, but ``self`` and ``cls``, and the result have a type."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    several = [each for each in (arguments.vararg, arguments.kwarg) if each]
    wanted = [each for each in named if each.arg not in ('self', 'cls')]
    return bool(function.returns) and all(each.annotation for each in [*wanted, *several])


def report(package: Path) -> str:
    """Tables of a package in Markdown."""
    files = modules(package)
    texts = {module: path.read_text(encoding='utf-8') for module, path in files.items()}
    lines = {module: text.count('\n') for module, text in texts.items()}
    graph = import_graph(package)
    rooms = Counter(room_of(module) for module in files)
    arrows = sorted({(room_of(a), room_of(b)) for a in graph for b in graph[a]})
    arrows = [(a, b) for a, b in arrows if a != b]
    rows = ['| room | files | lines | imports from |', '|---|---|---|---|']
    for room, count in sorted(rooms.items()):
        size = sum(lines[module] for module in files if room_of(module) == room)
        below = ', '.join(b for a, b in arrows if a == room)
        rows.append(f'| {room} | {count} | {size} | {below} |')
    functions = [each for text in texts.values() for each in public_functions(ast.parse(text))]
    largest = max(lines, key=lines.__getitem__)
    share = {
        'with a docstring': sum(bool(ast.get_docstring(each)) for each in functions),
        'with types of all arguments and the result': sum(map(is_typed, functions)),
    }
    figures = {
        'files, lines': f'{len(files)}, {sum(lines.values())}',
        'lines of a file, median': f'{median(lines.values()):.0f}',
        'lines of the largest file': f'{lines[largest]} ({files[largest].relative_to(package)})',
        'imports between rooms': len(arrows),
        'circles of imports': '; '.join(' - '.join(group) for group in circles(graph)) or 'none',
        **{
            f'public functions {what}': f'{number} of {len(functions)}'
            for what, number in share.items()
        },
    }
    rows += ['', '| figure | |', '|---|---|', *(f'| {k} | {v} |' for k, v in figures.items())]
    return '\n'.join(rows)


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('package', type=Path, metavar='FOLDER', nargs='?', help='default: ours')
    args = parser.parse_args()
    package = args.package or Path(__file__).resolve().parents[2] / 'mmfewshot_seg'
    if not (package / '__init__.py').is_file():
        raise UsageError(f'{package} is no package: it has no __init__.py')
    print(report(package.resolve()))


if __name__ == '__main__':
    run_tool(main)
