"""Labels and list of PASCAL-5i: python tools/prepare_pascal5i.py [VOC2012] [--sbd DATASET]."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Check VOC2012 and SBD, write SegmentationClassAug/<name>.png (labels of both) '
        'and ImageSets/Segmentation/trainaug.txt into VOC2012. May be called again at any time.'
    )
    parser.add_argument('voc', nargs='?', default='data/VOCdevkit/VOC2012', metavar='VOC2012')
    parser.add_argument(
        '--sbd', default='data/sbd', metavar='DATASET', help='benchmark_RELEASE/dataset of SBD'
    )
    parser.add_argument(
        '--any-counts', action='store_true', help='lists may differ in length from the official'
    )
    args = parser.parse_args()

    from mmfewshot_seg.datasets.prepare.pascal_5i import OFFICIAL_COUNTS, prepare_pascal_5i

    counts = None if args.any_counts else OFFICIAL_COUNTS
    prepared = prepare_pascal_5i(args.voc, args.sbd, counts)
    numbers = ', '.join(f'{key} {count}' for key, count in prepared.counts.items())
    print(f'\nImages: {numbers}')
    print(f'{prepared.labels}: {prepared.written} labels written, the others were there')
    print(f'{prepared.list_file}: {"written" if prepared.list_written else "was there"}')


if __name__ == '__main__':
    run_tool(main)
