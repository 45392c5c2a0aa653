"""Few-shot segmentation in minutes: photographs without training, then training on drawn data.

With --support and --queries it segments photographs of yours instead, and writes nothing else.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    run(parse_args())


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument(
        '--support', type=Path, metavar='DIR', help='folder of <class>/<n>.jpg with masks <n>.png'
    )
    parser.add_argument('--queries', type=Path, metavar='DIR', help='folder of images to segment')
    parser.add_argument(
        '--mask-suffix', default='.png', help='of masks; .json for files of LabelMe'
    )
    args = parser.parse_args()
    if (args.support is None) != (args.queries is None):
        parser.error('give --support and --queries together, or neither')
    return args


def run(args: argparse.Namespace) -> None:
    if args.support:
        from mmfewshot_seg.studies.photo_demo import segment_folders

        out_dir = args.work_dir / 'photographs'
        for path in segment_folders(args.support, args.queries, out_dir, args.mask_suffix):
            print(path, flush=True)
    else:
        from mmfewshot_seg.studies.demo import run_demo

        picture = run_demo(Path(__file__).resolve().parents[1], args.work_dir)
        print(f'Episodes (support, query, prediction, truth): {picture}')


if __name__ == '__main__':
    run_tool(main)
