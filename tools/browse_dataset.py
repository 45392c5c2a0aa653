"""Draw what training or a test sees: python tools/browse_dataset.py CONFIG --out-dir DIR."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Draw what training or a test sees: episodes, or images with their boxes, '
        'masks, classes and edges, after the pipeline of the config.'
    )
    parser.add_argument('config')
    parser.add_argument('--out-dir', required=True, metavar='DIR', help='folder of the pictures')
    parser.add_argument('--num', type=int, default=8, help='how many pictures, default 8')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.apis.browse import browse

    pictures = browse(**vars(args))
    print(f'\n{len(pictures)} pictures are in {args.out_dir}')


if __name__ == '__main__':
    run_tool(main)
