"""Turn annotations into a set that trains: python tools/convert_annotations.py IN OUT --to coco."""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, UsageError, run_tool


def main() -> None:
    run(parse_args())


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description='Turn annotations (LabelMe, COCO, YOLO, CVAT, label maps, class folders; which '
        'one is seen from what is there) into class folders for few-shot networks, COCO for '
        'RefineMask and ZSI, or label maps for semantic networks. OUT appears when all of it is '
        'written.'
    )
    parser.add_argument('source', metavar='IN', help='file or folder of annotations')
    parser.add_argument('out', metavar='OUT', help='folder to write, which is new or empty')
    parser.add_argument('--to', required=True, choices=('class-folder', 'coco', 'label-maps'))
    parser.add_argument('--class-names', nargs='+', help='classes to write; by default all')
    parser.add_argument('--val', metavar='IN', help='annotations of the validation split')
    parser.add_argument(
        '--val-share',
        type=float,
        default=0,
        metavar='SHARE',
        help='share of the images of IN for validation, spread evenly over their order',
    )
    parser.add_argument('--link', action='store_true', help='link images instead of copying them')
    parser.add_argument('--images-dir', metavar='DIR', help='images of a json or XML')
    parser.add_argument('--mask-suffix', help='<n>SUFFIX is the mask of the image <n>')
    parser.add_argument(
        '--mask-threshold', type=int, metavar='GREY', help='for masks with smooth edges: 128'
    )
    parser.add_argument(
        '--class-values',
        nargs='+',
        metavar='NAME=VALUE',
        help='of label maps: the value, or the colour R,G,B, of each class',
    )
    return parser.parse_args()


def run(args: argparse.Namespace) -> None:
    from mmengine.utils import track_iter_progress

    from mmfewshot_seg.annotations import convert_annotations, read_annotations
    from mmfewshot_seg.annotations.convert import COUNTED, check_new

    check_new(args.out)  # before anything is read, which may take minutes
    reading = dict(
        mask_suffix=args.mask_suffix,
        mask_threshold=args.mask_threshold,
        class_values=class_values(args.class_values),
        img_dir=args.images_dir,
    )
    parts = [read_annotations(path, **reading) for path in (args.source, args.val) if path]
    for part in parts:
        print(
            f'{part.source}: {part.format}, {len(part.images)} images, {len(part.class_names)} '
            'classes'
        )
        for note in part.notes:
            print(f'  {note}')
    done = convert_annotations(
        parts[0],
        args.out,
        args.to,
        args.class_names,
        val=parts[1] if args.val else None,
        val_share=args.val_share,
        link=args.link,
        tracked=lambda images: track_iter_progress((images, len(images))),
    )
    print()
    for split, counts in done.counts.items():
        listed = ', '.join(f'{name} {counts[name]}' for name in done.class_names)
        print(f'{split}: {done.images[split]} images; {COUNTED[args.to]} of a class: {listed}')
    print(f'{args.out} is written')


def class_values(words: list[str] | None) -> dict | None:
    """Values and colours by name."""
    if words is None:
        return None
    values = {}
    for word in words:
        name, _, numbers = word.rpartition('=')
        parts = numbers.split(',')
        if (
            not name
            or len(parts) not in (1, 3)
            or not all(part.strip().isdigit() for part in parts)
        ):
            raise UsageError(
                f'--class-values are NAME=VALUE or NAME=R,G,B, as zebra=15; got {word!r}'
            )
        values[name] = tuple(map(int, parts)) if len(parts) == 3 else int(numbers)
    return values


if __name__ == '__main__':
    run_tool(main)
