"""Segment images of yours by a few annotated ones: python tools/fewshot_demo.py IN --support DIR.

The support set is a folder with <class>/<n>.jpg and <class>/<n>.png or any other annotations
(--support PATH: LabelMe, COCO, YOLO, CVAT, label maps), or images and masks one by one (--images,
--masks, --class-names). It is computed once; save it and load it. What is given beside
--load-support is added to what is loaded. Without --model nothing needs training.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    run(parse_args())


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'inputs', metavar='IN', nargs='+', help='images to segment, or one folder, or one video'
    )
    parser.add_argument(
        '--model', help='config file, or name of a config; by default one that needs no training'
    )
    parser.add_argument('--weights', help='checkpoint of --model')
    parser.add_argument(
        '--support',
        metavar='PATH',
        help='class folders, or a file or folder of LabelMe, COCO, YOLO, CVAT or label maps',
    )
    parser.add_argument('--images', nargs='+', help='support images')
    parser.add_argument('--masks', nargs='+', help='a mask for each: an image, or json of LabelMe')
    parser.add_argument(
        '--class-names',
        nargs='+',
        help='of --images a name for each, or one for all; of --support the classes that count',
    )
    parser.add_argument(
        '--max-shots', type=int, metavar='N', help='at most N supports a class from --support'
    )
    parser.add_argument(
        '--images-dir', metavar='DIR', help='images of the json or XML of --support'
    )
    parser.add_argument(
        '--negatives', nargs='+', default=(), help='images that show none of the classes'
    )
    parser.add_argument('--load-support', metavar='FILE', help='support set that was saved')
    parser.add_argument('--save-support', metavar='FILE', help='where to save the support set')
    parser.add_argument('--mask-suffix', help='of --support: <n>SUFFIX is a mask')
    parser.add_argument(
        '--mask-threshold', type=int, metavar='GREY', help='for masks with smooth edges: 128'
    )
    parser.add_argument(
        '--mask-value',
        nargs='+',
        type=int,
        metavar='N',
        help='of the class in masks of several classes: a value, or a colour R G B',
    )
    parser.add_argument(
        '--refine',
        choices=('grabcut', 'guided', 'none'),
        default='config',
        help="edges of results by those of the image; by default as the model's config says",
    )
    parser.add_argument('--out-dir', default='work_dirs/fewshot_demo', metavar='DIR')
    parser.add_argument('--save-scores', action='store_true', help='write scores as .npy files too')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument(
        '--skip-unreadable', action='store_true', help='leave out images that cannot be decoded'
    )
    parser.add_argument('--device', help='cpu, cuda:0, ...; by default what there is')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='code in the checkpoint may run'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    if args.support and args.images:
        parser.error('give --support or --images, not both')
    if args.support and args.masks:
        parser.error('--masks go with --images; what --support names has masks of its own')
    if not (args.support or args.images or args.load_support):
        parser.error('give --support, --images or --load-support')
    if args.images and not (args.masks and args.class_names):
        parser.error('--images needs --masks and --class-names')
    if args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, not {args.batch_size}')
    return args


def run(args: argparse.Namespace) -> None:
    from mmfewshot_seg.apis.tool_inferencer import tool_inferencer, tool_inputs

    inputs = tool_inputs(args.inputs)
    inferencer = tool_inferencer(
        args.model,
        args.weights,
        args.cfg_options,
        device=args.device,
        refine=None if args.refine == 'none' else args.refine,
        trust_checkpoint=args.trust_checkpoint,
    )
    if args.load_support:
        inferencer.load_support(args.load_support)
    if args.support or args.images or args.negatives:
        names, value = args.class_names, args.mask_value
        inferencer.add_support(
            args.support or args.images or (),
            args.masks,
            names[0] if names and len(names) == 1 else names,
            mask_suffix=args.mask_suffix,
            mask_threshold=args.mask_threshold,
            negatives=args.negatives,
            mask_value=value[0] if value and len(value) == 1 else value and tuple(value),
            img_dir=args.images_dir,
            max_shots=args.max_shots,
        )
    if args.save_support:
        inferencer.save_support(args.save_support)
    batches = inferencer.stream(
        inputs,
        return_datasamples=True,
        batch_size=args.batch_size,
        out_dir=args.out_dir,
        save_scores=args.save_scores,
        skip_unreadable=args.skip_unreadable,
    )
    for batch in batches:
        for sample in batch['predictions']:
            labels = sample.pred_sem_seg.data
            shares = [
                f'{name} {(labels == way).float().mean():.1%}'
                for way, name in enumerate(inferencer.class_names, start=1)
            ]
            print(f'{sample.name}: {", ".join(shares)}', flush=True)
    print(f'Pictures are in {args.out_dir}/vis, label maps in {args.out_dir}/pred')


if __name__ == '__main__':
    run_tool(main)
