"""Are wrong supports and absent classes noticed: python tools/analysis_tools/support_quality.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Tries support sets of the test classes of a few-shot config: how often a '
        'spoiled support is named, and a sound one, and how often a class is noticed that a query '
        'does not show.'
    )
    parser.add_argument('config')
    parser.add_argument('--weights', help='checkpoint; by default what the config names')
    parser.add_argument('--trials', type=int, default=100)
    parser.add_argument('--shots', type=int, default=5)
    parser.add_argument(
        '--spoil',
        choices=('mask', 'image'),
        default='mask',
        help='what is wrong with a support: the mask is of another image, or both are of another '
        'class',
    )
    parser.add_argument('--curve', metavar='PNG', help='where to draw precision over recall')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmfewshot_seg.studies.support_quality import draw_curve, support_quality

    findings = support_quality(
        args.config, args.cfg_options, args.trials, args.shots, args.spoil, args.weights
    )
    print(findings.report())
    if args.curve:
        draw_curve(findings, Path(args.curve))


if __name__ == '__main__':
    run_tool(main)
