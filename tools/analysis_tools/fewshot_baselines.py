"""What a few-shot figure has to beat: python tools/analysis_tools/fewshot_baselines.py CONFIG."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Figures of a few-shot config without a network: everything foreground, the '
        "support's mask copied, and the best centred disc, on the episodes of its test."
    )
    parser.add_argument('config')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.studies.baselines import baselines

    figures = baselines(args.config, args.cfg_options)
    for name, value in figures.items():
        print(f'{value:.3f}  {name}')


if __name__ == '__main__':
    run_tool(main)
