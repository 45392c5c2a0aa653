"""Write the ONNX graphs of a network into a folder: python tools/export.py MODEL WEIGHTS OUT.

Few-shot networks: support.onnx and query.onnx. Semantic networks: model.onnx. RefineMask:
features.onnx and masks.onnx, what comes after the boxes. Each is compared with PyTorch; if it
differs nothing is written. mmfewshot_seg.runtime runs them without PyTorch.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', metavar='MODEL', help='config file, or name of a config')
    parser.add_argument('weights', help='checkpoint, or `pretrained` for what needs no training')
    parser.add_argument('out', help='folder to make')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help="of images that the network sees, if it serves one size; by default the config's",
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in the checkpoint may run'
    )
    args = parser.parse_args()
    if args.size and min(args.size) < 1:
        parser.error(f'--size takes two positive numbers, not {args.size[0]} {args.size[1]}')

    from mmfewshot_seg.export import export_model

    graphs = export_model(
        args.config,
        args.weights,
        args.out,
        tuple(args.size) if args.size else None,
        args.cfg_options,
        args.trust_checkpoint,
    )
    for name, graph in graphs.items():
        if graph.size:
            sizes = f'images of {graph.size[0]}x{graph.size[1]} alone'
        elif graph.size_divisor == 1:
            sizes = 'images of any size'
        else:
            sizes = f'images whose sides are multiples of {graph.size_divisor}'
        print(f'{args.out}/{name}.onnx: {sizes}')


if __name__ == '__main__':
    run_tool(main)
