"""What a zero-shot figure has to beat: zeroshot_baselines.py CONFIG CHECKPOINT."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Figures of a checkpoint beside those of the same network with the vectors of '
        'unseen classes exchanged, with unseen classes named by chance, and with each unseen class '
        'found where its most similar seen class is. Prints a table, writes summary.json.'
    )
    parser.add_argument('config', help='tests unseen classes, alone or with the seen ones')
    parser.add_argument('checkpoint')
    parser.add_argument('--work-dir', help='where summary.json goes')
    parser.add_argument('--seeds', type=int, default=5, help='random draws (default: 5)')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.studies.zeroshot_baselines import zeroshot_baselines

    zeroshot_baselines(**vars(args))


if __name__ == '__main__':
    run_tool(main)
