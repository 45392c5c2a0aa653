"""Check and index COCO-20i: python tools/prepare_coco20i.py [DATA] [--splits train2014 ...]."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Check annotations and images of COCO, and index them for few-shot training. '
        'Call it in the folder that trainings are started in, with the path that configs name; it '
        'may be called again at any time.'
    )
    parser.add_argument('data', nargs='?', default='data/coco', metavar='DATA')
    parser.add_argument('--splits', nargs='+', default=['train2014', 'val2014'], metavar='SPLIT')
    parser.add_argument('--index-dir', default='work_dirs/index', metavar='DIR')
    parser.add_argument(
        '--any-counts', action='store_true', help='numbers may differ from those of COCO 2014'
    )
    args = parser.parse_args()

    from mmfewshot_seg.datasets.prepare.coco_20i import OFFICIAL_COUNTS, prepare_coco_20i

    for split in args.splits:
        counts = None if args.any_counts else OFFICIAL_COUNTS.get(split)
        prepared = prepare_coco_20i(args.data, split, counts, args.index_dir)
        images = prepared.images_of_class
        rarest = min(images, key=images.get)
        print(
            f'\n{split}: {prepared.images} images ({prepared.without_objects} without objects), '
            f'{prepared.annotations} annotations; the rarest class is {rarest}, in '
            f'{images[rarest]} images'
        )


if __name__ == '__main__':
    run_tool(main)
