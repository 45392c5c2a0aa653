"""Faults of COCO-format annotations: python tools/check_coco.py JSON [--images DIR]."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> int:
    parser = ToolParser(
        description="Tell what is wrong with a json in COCO's instance format, a line for every "
        'kind of fault with its number and the first of them. Exit status 2: with these a training '
        'or test would stop, or go wrong without a word.'
    )
    parser.add_argument('json', metavar='JSON')
    parser.add_argument('--images', metavar='DIR', help='folder of the images, to look at them too')
    parser.add_argument('--boxes', action='store_true', help='objects need no masks')
    parser.add_argument(
        '--write',
        metavar='CLEAN_JSON',
        help='write the file without the annotations that have no mask or a box without area',
    )
    args = parser.parse_args()

    import json

    from mmfewshot_seg.datasets.coco_report import report_coco
    from mmfewshot_seg.files.whole_file import write_whole

    report = report_coco(args.json, args.images, masks=not args.boxes)
    print(report)
    breaking = [kind for kind in report.faults if kind.breaks]
    if args.write:
        content = report.without_removable()
        breaking = [kind for kind in breaking if not kind.removable]
        left_out = len(report.content['annotations']) - len(content['annotations'])
        write_whole(args.write, json.dumps(content))
        print(f'{args.write}: written without {left_out} annotations')
    return 2 if breaking else 0


if __name__ == '__main__':
    run_tool(main)
