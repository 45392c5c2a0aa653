"""Test a config of MMSegmentation or MMDetection: python tools/test.py CONFIG CHECKPOINT."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, heavy_imports, run_tool


def main() -> None:
    parser = ToolParser(description='Test the model of a config.')
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='file; `pretrained`: what the config names, untrained')
    parser.add_argument('--work-dir', help='where logs and figures go')
    parser.add_argument('--out', metavar='FILE.pkl', help='dump all predictions')
    parser.add_argument('--show-dir', metavar='DIR', help='draw predictions')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation of the config')
    parser.add_argument('--seed', type=int, help='seed of the episodes')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in checkpoints may run'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))

    with heavy_imports():
        from mmfewshot_seg.apis import test

    options = {key: value for key, value in vars(args).items() if key != 'local_rank'}
    test(**options)


if __name__ == '__main__':
    run_tool(main)
