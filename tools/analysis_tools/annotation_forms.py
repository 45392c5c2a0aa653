"""IoU of supports marked by masks, boxes and clicks: python tools/.../annotation_forms.py DATA."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Mean IoU that one and the same support gives annotated by its mask, by its '
        'box and by a few clicks on and off the object, with the model that needs no training.'
    )
    parser.add_argument('data', metavar='DATA', help='folder of class folders')
    parser.add_argument('--classes', required=True, help='file of class names, one per line')
    parser.add_argument('--shots', type=int, default=1, help='supports of a class, default 1')
    parser.add_argument('--queries', type=int, default=2, help='queries of a class, default 2')
    parser.add_argument(
        '--clicks', type=int, nargs='+', default=[5, 20], help='on the object, and as many off it'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()

    from mmengine.utils import track_iter_progress

    from mmfewshot_seg.apis.tool_inferencer import tool_inferencer
    from mmfewshot_seg.studies.annotation_forms import box, clicks, compare_forms

    names = [name for name in Path(args.classes).read_text('utf-8').split('\n') if name]
    forms = {'mask': lambda label, rng: label, 'box': box}
    forms.update({f'{n} clicks on, {n} off': clicks(n) for n in args.clicks})
    inferencer = tool_inferencer(None, None, args.cfg_options)
    inferencer.show_progress = False
    figures = compare_forms(
        inferencer,
        args.data,
        names,
        forms,
        args.shots,
        args.queries,
        tracked=lambda names: track_iter_progress(list(names)),
    )
    print()
    for form, value in figures.items():
        print(f'{value:.3f}  {form}')


if __name__ == '__main__':
    run_tool(main)
