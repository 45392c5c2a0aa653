"""Train a config of MMSegmentation or MMDetection: python tools/train.py CONFIG."""

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, heavy_imports, run_tool


def main() -> None:
    parser = ToolParser(description='Train the model of a config.')
    parser.add_argument('config')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='learning rate by the number of images of a step, from auto_scale_lr of the config',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue, from the last checkpoint of the work dir unless one is named',
    )
    parser.add_argument('--seed', type=int, help='seed of weights and episodes')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in checkpoints may run'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))

    with heavy_imports():
        from mmfewshot_seg.apis import train

    options = {key: value for key, value in vars(args).items() if key != 'local_rank'}
    train(**options)


if __name__ == '__main__':
    run_tool(main)
