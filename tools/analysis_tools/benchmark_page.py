"""Tables of a page made anew from the JSON files of its benchmarks: benchmark_page.py [PAGE]."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # a clone need not be installed

from benchmarks.page import remade

from mmfewshot_seg.command import ToolParser, run_tool
from mmfewshot_seg.files.whole_file import write_whole


def main(argv: list[str] | None = None) -> None:
    parser = ToolParser(
        description='Make the tables between the markers of a page anew from the JSON files that '
        'benchmark.py has written; of docs/benchmarks.md these are in docs/benchmarks/.'
    )
    default = ROOT / 'docs/benchmarks.md'
    parser.add_argument('page', metavar='PAGE', type=Path, nargs='?', default=default)
    args = parser.parse_args(argv)
    if not args.page.is_file():
        parser.error(f'there is no file {args.page}')
    write_whole(args.page, remade(args.page))


if __name__ == '__main__':
    run_tool(main)
