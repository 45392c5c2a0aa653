"""Convert an official checkpoint: python tools/convert_checkpoint.py SYSTEM IN OUT."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description='Convert an official checkpoint to ours.')
    parser.add_argument('system', help='panet, asgnet, refinemask, zsi, danet, fastfcn or gscnn')
    parser.add_argument('source', metavar='IN', help='official checkpoint')
    parser.add_argument('target', metavar='OUT', help='checkpoint to write')
    parser.add_argument(
        '--check',
        metavar='CONFIG',
        help='load the converted weights into the model of a config and run it before writing',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='of the config to check'
    )
    parser.add_argument('--trust-checkpoint', action='store_true', help='code in IN may run')
    zsi = parser.add_argument_group('zsi: compare the order of classes with that of the file')
    zsi.add_argument('--word-vectors', metavar='FILE', help='vectors the model is to be used with')
    zsi.add_argument('--split', help='the classes of the model: coco_48_17 or coco_65_15')
    args = parser.parse_args()
    if (args.word_vectors is None) != (args.split is None):
        parser.error('--word-vectors and --split belong together')
    if args.cfg_options and not args.check:
        parser.error('--cfg-options are of the config to --check')
    if args.word_vectors and args.system != 'zsi':
        parser.error(f'--word-vectors is for zsi, not for {args.system}')

    from mmfewshot_seg.checkpoints import checkpoint_gate
    from mmfewshot_seg.converters import convert_checkpoint

    lacking = []

    def forward_check(state_dict: dict) -> None:
        from mmfewshot_seg.apis.check_weights import check_weights

        lacking.extend(check_weights(args.check, state_dict, args.cfg_options))

    check = None
    if args.word_vectors:
        from mmfewshot_seg.converters.zsi import class_order_check

        check = class_order_check(args.word_vectors, args.split)
    with checkpoint_gate(args.trust_checkpoint):
        state_dict = convert_checkpoint(
            args.system, args.source, args.target, check, forward_check if args.check else None
        )
    print(f'{args.target}: {len(state_dict)} tensors')
    if args.check:
        rest = f'; it has no weights of {", ".join(lacking)}' if lacking else ''
        print(f'The model of {args.check} runs with it{rest}')


if __name__ == '__main__':
    run_tool(main)
