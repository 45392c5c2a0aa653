"""What a few-shot figure has to beat: python tools/analysis_tools/fewshot_baselines.py CONFIG."""

import argparse
import sys


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Figures of a few-shot config without a network: everything foreground, the '
        "support's mask copied, and the best centred disc, on the episodes of its test."
    )
    parser.add_argument('config')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.apis.baselines import baselines
    from mmfewshot_seg.apis.run_config import UsageError

    try:
        figures = baselines(args.config, args.cfg_options)
    except UsageError as error:
        print(f'fewshot_baselines: {error}', file=sys.stderr)
        sys.exit(2)
    for name, value in figures.items():
        print(f'{value:.3f}  {name}')


if __name__ == '__main__':
    main()
