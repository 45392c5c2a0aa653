"""Draw a data set of textured shapes: python tools/draw_dataset.py OUT."""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Draw a data set of textured shapes on cluttered backgrounds.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('out', metavar='OUT', help='folder to make')
    parser.add_argument('--num-train', type=int, default=600, help='training images')
    parser.add_argument('--num-test', type=int, default=200, help='test images')
    parser.add_argument(
        '--size', type=int, nargs='+', default=[160], metavar='PX', help='height and width, or both'
    )
    parser.add_argument('--seed', type=int, default=0, help='other seed, other images')
    parser.add_argument(
        '--train-classes',
        choices=('base', 'seen', 'all'),
        default='base',
        help='"base" keeps novel classes out of the training images, "seen" unseen ones',
    )
    parser.add_argument('--max-objects', type=int, default=6, help='most objects of an image')
    args = parser.parse_args()
    if len(args.size) > 2:
        parser.error(f'--size takes one or two numbers, not {len(args.size)}')

    from mmfewshot_seg.datasets.drawn import draw_dataset

    draw_dataset(
        args.out,
        num_train=args.num_train,
        num_test=args.num_test,
        size=args.size[0] if len(args.size) == 1 else tuple(args.size),
        seed=args.seed,
        train_classes=args.train_classes,
        max_objects=args.max_objects,
    )
    print(f'The data set is in {args.out}; README.txt there describes its files.')


if __name__ == '__main__':
    run_tool(main)
