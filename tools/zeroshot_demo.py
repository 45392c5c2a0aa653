"""Find objects of classes of your choice in images: zeroshot_demo.py MODEL WEIGHTS IN --classes ...

What a class is called is looked up in the model's file of word vectors, or in one of yours.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, heavy_imports, run_tool


def main() -> None:
    run(parse_args())


def parse_args() -> argparse.Namespace:
    parser = ToolParser(
        description='Find objects of classes of your choice in images, by their word vectors.'
    )
    parser.add_argument('model', help='config file, or name of a config of this package')
    parser.add_argument('weights', help='checkpoint')
    parser.add_argument(
        'inputs', metavar='IN', nargs='+', help='images, or one folder, or one video'
    )
    parser.add_argument(
        '--classes', nargs='+', metavar='NAME', help="names (default: the config's unseen classes)"
    )
    parser.add_argument('--vectors', metavar='FILE', help='word vectors of --classes')
    parser.add_argument(
        '--word-vectors', metavar='FILE', help='word vectors of all classes, instead of the config'
    )
    parser.add_argument(
        '--mode', choices=['seen', 'unseen', 'generalized'], help='generalized: seen classes too'
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.3, help='least score that is drawn (default: 0.3)'
    )
    parser.add_argument('--out-dir', default='work_dirs/zeroshot_demo', metavar='DIR')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--device', help='cpu, cuda:0, ...; by default what there is')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in the checkpoint may run'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    if args.vectors and not args.classes:
        parser.error('--vectors needs --classes')
    if args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, not {args.batch_size}')
    return args


def run(args: argparse.Namespace) -> None:
    with heavy_imports():
        from mmfewshot_seg.apis import ZeroShotInferencer
        from mmfewshot_seg.apis.run_config import existing_checkpoint, load_config
        from mmfewshot_seg.apis.tool_inferencer import tool_inputs

    inputs = tool_inputs(args.inputs)
    model = load_config(args.model, args.cfg_options)
    inferencer = ZeroShotInferencer(
        model,
        existing_checkpoint(args.weights),
        args.word_vectors,
        args.device,
        trust_checkpoint=args.trust_checkpoint,
    )
    results = inferencer(
        inputs,
        classes=args.classes,
        vectors=args.vectors,
        mode=args.mode,
        batch_size=args.batch_size,
        pred_score_thr=args.score_thr,
        out_dir=args.out_dir,
        no_save_pred=False,
    )
    for number, prediction in enumerate(results['predictions'], start=1):
        scored = zip(prediction['names'], prediction['scores'], strict=True)
        counts = Counter(name for name, score in scored if score > args.score_thr)
        best = max(prediction['scores'], default=None)
        found = ', '.join(f'{count} {name}' for name, count in counts.most_common())
        nothing = 'nothing' if best is None else f'nothing above {args.score_thr}, best {best:.2f}'
        print(f'image {number}: {found or nothing}')
    print(f'Pictures are in {args.out_dir}/vis, detections in {args.out_dir}/preds')


if __name__ == '__main__':
    run_tool(main)
