"""Annotation files of the zero-shot tasks: python tools/prepare_zeroshot_coco.py SPLIT."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Make the annotation files of zero-shot training (images without unseen '
        'classes), of the zero-shot test and of the generalised test from COCO-format files.'
    )
    parser.add_argument(
        'split',
        nargs='?',
        help='coco_48_17 or coco_65_15; for other classes give --seen and --unseen instead',
    )
    parser.add_argument('--seen', metavar='TXT', help='seen classes, one name per line')
    parser.add_argument('--unseen', metavar='TXT', help='unseen classes, one name per line')
    parser.add_argument('--train', metavar='JSON', help='annotations to train on')
    parser.add_argument('--test', metavar='JSON', help='annotations to test on')
    parser.add_argument('--out-dir', metavar='DIR', help='default: the folder of each JSON')
    args = parser.parse_args()
    lists = args.seen is not None and args.unseen is not None
    if (args.split is None) != lists or lists != bool(args.seen or args.unseen):
        parser.error('give either a split, or both --seen and --unseen')

    from mmfewshot_seg.datasets.prepare.zeroshot_json import describe, prepare_zeroshot_json

    prepared = prepare_zeroshot_json(
        args.split or dict(seen=args.seen, unseen=args.unseen),
        args.train,
        args.test,
        args.out_dir,
    )
    print(describe(prepared))


if __name__ == '__main__':
    run_tool(main)
