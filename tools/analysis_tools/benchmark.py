"""Time and peak memory of ours against a peer: benchmark.py [CASE ...] [--json FILE]."""

import argparse
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from benchmarks import CASES
from benchmarks.measure import environment, measure
from benchmarks.table import how_measured, markdown_table

from mmfewshot_seg.command import ToolParser, run_tool
from mmfewshot_seg.did_you_mean import did_you_mean
from mmfewshot_seg.files.whole_file import write_whole


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = ToolParser(
        description='Time and peak memory of ours and of a peer that computes the same.',
        epilog='Cases: ' + ', '.join(CASES),
    )
    parser.add_argument('cases', metavar='CASE', nargs='*', help='default: all that can run here')
    parser.add_argument(
        '--json',
        metavar='FILE',
        type=Path,
        help='also write the rows here, and how they were measured',
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument(
        '--clock',
        choices=('wall', 'cpu'),
        default='wall',
        help='cpu: CPU seconds of all threads, which other jobs on the machine change less',
    )
    parser.add_argument(
        '--amp', action='store_true', help='in bfloat16 where autocast does; compared with float32'
    )
    parser.add_argument('--repeats', type=int, default=5, help='timed calls (default: 5)')
    parser.add_argument('--tiny', action='store_true', help='tiny inputs, to try the tool')
    args = parser.parse_args(argv)
    for case in args.cases:
        if case not in CASES:
            hint = did_you_mean(case, CASES)
            parser.error(f'unknown case {case!r}{hint}. Cases: {", ".join(CASES)}')
        if args.amp and not CASES[case].takes_amp:
            parser.error(f'--amp changes nothing in {case}: leave it out')
    cases = runnable_cases(args.device)
    args.cases = args.cases or [c for c in cases if CASES[c].takes_amp or not args.amp]
    if args.clock == 'cpu' and args.device == 'cuda':
        parser.error('--clock cpu measures --device cpu only')
    if args.repeats < 1:
        parser.error(f'--repeats {args.repeats}: must be at least 1')
    if args.json and not args.json.absolute().parent.is_dir():
        parser.error(f'--json {args.json}: there is no directory {args.json.parent}')
    try:
        args.environment = environment(args.device)
    except ValueError as error:
        parser.error(str(error))
    return args


def runnable_cases(device: str = 'cpu') -> list[str]:
    """All cases, but those of RoI operators and of ONNX graphs only where these can run."""
    from mmfewshot_seg.compat import ops_error

    error = ops_error()
    if error is not None:
        left_out = [name for name, case in CASES.items() if case.needs_ops]
        report(f"left out, for mmcv's compiled ops are missing ({error}): {', '.join(left_out)}")
    return [
        name
        for name, case in CASES.items()
        if not (case.needs_ops and error is not None)
        and not (case.is_exported and not exports(device))
    ]


def exports(device: str) -> bool:
    """Whether cases of ONNX graphs can run."""
    import torch.export

    return device == 'cpu' and hasattr(getattr(torch.export, 'Dim', None), 'AUTO')


def report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    options = dict(clock=args.clock, repeats=args.repeats, amp=args.amp, tiny=args.tiny)
    measured, rows = dict(args.environment, **options), []
    report(how_measured(measured))
    for case in args.cases:
        rows.append(measure(case, args.device, report=report, **options))
        if args.json:
            write_whole(args.json, json.dumps(dict(measured=measured, rows=rows), indent=2) + '\n')
    print(markdown_table(rows))


if __name__ == '__main__':
    run_tool(main)
