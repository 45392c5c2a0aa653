"""Convert an official checkpoint: python tools/convert_checkpoint.py SYSTEM IN OUT."""

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description='Convert an official checkpoint to ours.')
    parser.add_argument('system', help='system the file comes from, e.g. panet')
    parser.add_argument('source', metavar='IN', help='official checkpoint')
    parser.add_argument('target', metavar='OUT', help='checkpoint to write')
    args = parser.parse_args()

    from mmfewshot_seg.converters import convert_checkpoint

    try:
        state_dict = convert_checkpoint(args.system, args.source, args.target)
    except (OSError, ValueError) as error:
        print(f'convert_checkpoint: {error}', file=sys.stderr)
        sys.exit(2)
    print(f'{args.target}: {len(state_dict)} tensors')


if __name__ == '__main__':
    main()
