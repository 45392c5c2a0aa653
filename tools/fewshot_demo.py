"""Segment images of yours by a few annotated ones: python tools/fewshot_demo.py IN --support DIR.

The support set is a folder with <class>/<n>.jpg and <class>/<n>.png or any other annotations
(--support PATH: LabelMe, COCO, YOLO, CVAT, label maps), or images and masks one by one (--images,
--masks, --class-names). It is computed once; save it and load it. What is given beside
--load-support is added to what is loaded. Without --model nothing needs training. A frame of a
video is named film.mp4#0; of a video the pictures are written as one, too.

With --annotate, IN is a folder of photographs of which some have a LabelMe file beside them: these
are supports, the others get such a file. Correct it in LabelMe, save, and run the same again.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, UsageError, heavy_imports, run_tool
from mmfewshot_seg.results.formats import FORMATS

if TYPE_CHECKING:
    from mmfewshot_seg.apis import FewShotInferencer


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
        '--annotate',
        action='store_true',
        help='images of IN with a LabelMe file are supports, the others get one to correct',
    )
    parser.add_argument(
        '--refine',
        choices=('grabcut', 'guided', 'none'),
        default='config',
        help="edges of results by those of the image; by default as the model's config says",
    )
    parser.add_argument(
        '--check-support',
        action='store_true',
        help='say which supports do not fit the others, and draw what these find in each',
    )
    parser.add_argument(
        '--min-score',
        type=min_score,
        metavar='auto|X',
        help='leave a class out where its presence is below X, or below what the supports say',
    )
    parser.add_argument('--out-dir', default='work_dirs/fewshot_demo', metavar='DIR')
    parser.add_argument(
        '--formats',
        nargs='+',
        choices=FORMATS,
        default=['png'],
        help='files besides pictures: label maps, LabelMe, COCO (exact, or polygons), areas',
    )
    parser.add_argument(
        '--min-area', type=int, default=1, metavar='PX', help='of connected parts, except in png'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1,
        metavar='PX',
        help='by which polygons may be off; 0 follows every pixel',
    )
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
    if args.support and args.masks:
        parser.error('--masks go with --images; what --support names has masks of its own')
    if not (args.support or args.images or args.load_support or args.annotate):
        parser.error('give --support, --images, --load-support or --annotate')
    if args.images and not (args.masks and args.class_names):
        parser.error('--images needs --masks and --class-names')
    if args.annotate and not (len(args.inputs) == 1 and Path(args.inputs[0]).is_dir()):
        parser.error(f'--annotate takes one folder of images, not {" ".join(args.inputs)}')
    if args.tolerance < 0:
        parser.error(f'--tolerance must not be negative, got {args.tolerance}')
    if args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, not {args.batch_size}')
    if args.workers is not None and args.workers < 0:
        parser.error(f'--workers must be at least 0, not {args.workers}')
    return args


def min_score(text: str) -> float | str:
    return text if text == 'auto' else float(text)


def run(args: argparse.Namespace) -> None:
    with heavy_imports():
        from mmfewshot_seg.apis.support_check import table_of_checks, write_checks
        from mmfewshot_seg.apis.tool_inferencer import tool_inferencer, tool_inputs, usual_workers
        from mmfewshot_seg.apis.video import is_video

    inputs: Any = tool_inputs(args.inputs)
    if isinstance(inputs, str) and is_video(inputs) and not args.video_out:
        args.video_out = str(Path(args.out_dir, f'{Path(inputs).stem}.mp4'))
    inferencer = tool_inferencer(
        args.model,
        args.weights,
        args.cfg_options,
        device=args.device,
        refine=None if args.refine == 'none' else args.refine,
        trust_checkpoint=args.trust_checkpoint,
    )
    add_supports(inferencer, args)
    labelme_out_dir, formats = 'labelme', args.formats
    if args.annotate:
        inputs = add_annotated(inferencer, args.inputs[0])
        labelme_out_dir, formats = str(Path(args.inputs[0]).resolve()), [*formats, 'labelme']
    if args.save_support:
        inferencer.save_support(args.save_support)
    if args.annotate and not inputs:
        print(f'All images of {args.inputs[0]} are annotated: nothing is left to segment')
        return
    if args.check_support:
        checks = inferencer.check_support()
        print(table_of_checks(checks))
        picture = Path(args.out_dir) / 'support_check.jpg'
        write_checks(picture, inferencer.leave_one_out(), checks)
        print(f'The supports and what the others find in them are in {picture}')
    batches = inferencer.stream(
        inputs,
        return_datasamples=True,
        batch_size=args.batch_size,
        out_dir=args.out_dir,
        labelme_out_dir=labelme_out_dir,
        out_formats=formats,
        save_scores=args.save_scores,
        min_area=args.min_area,
        tolerance=args.tolerance,
        skip_unreadable=args.skip_unreadable,
        min_score=args.min_score,
        img_out_dir='' if args.video_out else 'vis',
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
                f'{name} {_share(labels == way)}'
                for way, name in enumerate(inferencer.class_names, start=1)
            ]
            print(f'{sample.name}: {", ".join(shares)}', flush=True)
    pictures = args.video_out or f'{args.out_dir}/vis'
    print(f'Pictures are in {pictures}, other results in {args.out_dir}')
    if args.annotate:
        print(f'Files of LabelMe are in {args.inputs[0]}: correct them, save, run this again')


def add_supports(inferencer: 'FewShotInferencer', args: argparse.Namespace) -> None:
    """Supports that the command line names."""
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


def add_annotated(inferencer: 'FewShotInferencer', folder: str) -> list[Path]:
    """Take what is marked in a folder as supports; the images that are left to segment."""
    from mmfewshot_seg.apis.annotation_folder import read_annotation_folder

    found = read_annotation_folder(folder)
    if not (found.marked or inferencer.supports.shots):
        raise UsageError(
            f'{folder}: no image has a LabelMe file that a person has made or corrected: mark what '
            'is sought in one of them, or give --support, --images or --load-support'
        )
    negatives = found.negatives if inferencer.model.decode_head.takes_negatives else []
    if found.marked or negatives:
        images, masks, names = zip(*found.marked, strict=True) if found.marked else ((), None, None)
        inferencer.add_support(images, masks, names, negatives=negatives)
    marked = len({image for image, _, _ in found.marked}) + len(found.negatives)
    print(f'{folder}: {marked} images are annotated, {len(found.others)} are segmented', flush=True)
    return found.others


def _share(mask) -> str:
    return f'{mask.count_nonzero() / mask.numel():.1%}' if mask.any() else 'absent'


if __name__ == '__main__':
    run_tool(main)
