"""Segment images of yours by a few annotated ones: python tools/fewshot_demo.py IN --support DIR.

The support set is a folder with <class>/<n>.jpg and <class>/<n>.png (--support DIR), or images and
masks one by one (--images, --masks, --class-names). It is computed once; save it and load it. What
is given beside --load-support is added to what is loaded. Without --model nothing needs training.
A frame of a video is named film.mp4#0; of a video the pictures are written as one, too.
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
    parser.add_argument('--support', metavar='DIR', help='folder of class folders')
    parser.add_argument('--images', nargs='+', help='support images')
    parser.add_argument('--masks', nargs='+', help='a mask for each: an image, or json of LabelMe')
    parser.add_argument('--class-names', nargs='+', help='a name for each, or one for all')
    parser.add_argument(
        '--negatives', nargs='+', default=(), help='images that show none of the classes'
    )
    parser.add_argument('--load-support', metavar='FILE', help='support set that was saved')
    parser.add_argument('--save-support', metavar='FILE', help='where to save the support set')
    parser.add_argument('--mask-suffix', default='.png', help='of --support: <n>SUFFIX is a mask')
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
        '--workers',
        type=int,
        metavar='N',
        help='threads that segment images; by default one a core, at most four',
    )
    parser.add_argument(
        '--tile-size',
        type=int,
        metavar='PIXELS',
        help='cut larger images into overlapping tiles of this side, to find small objects',
    )
    parser.add_argument(
        '--tile-overlap', type=float, default=0.25, metavar='SHARE', help='of the side of a tile'
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='leave out images that an earlier run into --out-dir, asked for the same, has done',
    )
    parser.add_argument(
        '--video-out',
        metavar='FILE',
        help='pictures as a video, .mp4 or .avi; of a video by default <its name>.mp4 in --out-dir',
    )
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
    if not (args.support or args.images or args.load_support):
        parser.error('give --support, --images or --load-support')
    if args.images and not (args.masks and args.class_names):
        parser.error('--images needs --masks and --class-names')
    if args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, not {args.batch_size}')
    if args.workers is not None and args.workers < 0:
        parser.error(f'--workers must be at least 0, not {args.workers}')
    return args


def run(args: argparse.Namespace) -> None:
    from mmfewshot_seg.apis.tool_inferencer import tool_inferencer, tool_inputs, usual_workers
    from mmfewshot_seg.apis.video import is_video

    inputs = tool_inputs(args.inputs)
    video = isinstance(inputs, str) and is_video(inputs)
    if video and not args.video_out:
        args.video_out = str(Path(args.out_dir, f'{Path(inputs).stem}.mp4'))
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
            args.mask_suffix,
            args.mask_threshold,
            args.negatives,
            value[0] if value and len(value) == 1 else value and tuple(value),
        )
    if args.save_support:
        inferencer.save_support(args.save_support)
    batches = inferencer.stream(
        inputs,
        return_datasamples=True,
        batch_size=args.batch_size,
        out_dir=args.out_dir,
        img_out_dir='' if args.video_out else 'vis',
        save_scores=args.save_scores,
        skip_unreadable=args.skip_unreadable,
        num_workers=usual_workers(inputs) if args.workers is None else args.workers,
        tile_size=args.tile_size,
        tile_overlap=args.tile_overlap,
        resume=args.resume,
        video_out=args.video_out or '',
    )
    for batch in batches:
        for sample in batch['predictions']:
            labels = sample.pred_sem_seg.data
            shares = [
                f'{name} {(labels == way).count_nonzero() / labels.numel():.1%}'
                for way, name in enumerate(inferencer.class_names, start=1)
            ]
            print(f'{sample.name}: {", ".join(shares)}', flush=True)
    pictures = args.video_out or f'{args.out_dir}/vis'
    print(f'Pictures are in {pictures}, label maps in {args.out_dir}/pred')


if __name__ == '__main__':
    run_tool(main)
