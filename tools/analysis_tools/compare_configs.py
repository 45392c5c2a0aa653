"""Train and test configs from one seed, figures side by side: compare_configs.py OUT CONFIG ..."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Train and test configs from the same seed; print a table, write summary.json '
        'and a picture of the figures. What OUT holds already is not trained again.'
    )
    parser.add_argument('out', type=Path, help='folder for everything')
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument(
        '--figures', nargs='+', default=['*'], metavar='PATTERN', help="e.g. '*mAP' (default: all)"
    )
    parser.add_argument(
        '--pretrain', metavar='CONFIG', help='trained first; all others start from its weights'
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.studies.compare import compare

    compare(Path(__file__).resolve().parents[1], **vars(args))


if __name__ == '__main__':
    run_tool(main)
