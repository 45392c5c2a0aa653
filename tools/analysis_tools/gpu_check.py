"""Tests, benchmarks and short trainings on a GPU, in less than 8 minutes: gpu_check.py OUT."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # a clone need not be installed

from mmfewshot_seg.command import FAULT, ToolParser, run_tool


def main() -> int:
    parser = ToolParser(
        description='Run the tests that need a GPU, benchmarks in bfloat16, and a short training '
        'of each wing; write OUT/figures.json.'
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='folder for everything')
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda')
    parser.add_argument('--tiny', action='store_true', help='tiny sizes, to try the tool')
    parser.add_argument('--only', nargs='+', metavar='STEP', help='some of its steps')
    args = parser.parse_args()

    from mmfewshot_seg.studies.gpu_check import STEPS, gpu_check

    unknown = [step for step in args.only or () if step not in STEPS]
    if unknown:
        parser.error(f'--only {unknown[0]}: must be of {", ".join(STEPS)}')
    steps = gpu_check(ROOT, args.out, args.device, args.tiny, args.only or ())
    failed = [step for step, figures in steps.items() if 'error' in figures]
    print(f'Figures: {args.out / "figures.json"}')
    return FAULT if failed else 0


if __name__ == '__main__':
    run_tool(main)
