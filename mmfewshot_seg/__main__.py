"""The tools without a clone: ``mmfewshot-seg train CONFIG`` runs ``tools/train.py CONFIG``."""

from __future__ import annotations

import argparse
import ast
import runpy
import sys
from pathlib import Path

from mmfewshot_seg.did_you_mean import did_you_mean

PACKAGE = Path(__file__).resolve().parent
COMMAND = 'mmfewshot-seg'


def tool_paths() -> dict[str, Path]:
    """File of each tool by its name: of the clone this package is in, else shipped with it."""
    clone = PACKAGE.parent / 'tools'
    folder = clone if (PACKAGE.parent / 'configs').is_dir() else PACKAGE / '.mim' / 'tools'
    paths = sorted([*folder.glob('*.py'), *folder.glob('analysis_tools/*.py')])
    return {path.stem: path for path in paths}


def main() -> None:
    """Run the tool that the command line names."""
    tools = tool_paths()
    width = max(map(len, tools), default=0)
    lines = [f'  {name:<{width}}  {_purpose(path)}' for name, path in tools.items()]
    parser = argparse.ArgumentParser(
        COMMAND,
        description=f'Run a tool; `{COMMAND} TOOL --help` tells its options.',
        epilog='\n'.join(['tools:', *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('tool', metavar='TOOL')
    parser.add_argument('options', nargs=argparse.REMAINDER, help='of the tool')
    args = parser.parse_args()
    if args.tool not in tools:
        hint = did_you_mean(args.tool, tools)
        parser.error(f'there is no tool {args.tool}{hint}; `{COMMAND} --help` lists them')
    path = tools[args.tool]
    sys.argv = [str(path), *args.options]
    sys.path.insert(0, str(path.parent))  # as Python does for a script
    runpy.run_path(str(path), run_name='__main__')


def _purpose(path: Path) -> str:
    """First sentence of the tool's description, without the call that follows a colon."""
    text = ast.get_docstring(ast.parse(path.read_text('utf-8'))) or ''
    return text.partition('\n')[0].partition(': ')[0].rstrip('.')


if __name__ == '__main__':
    main()
