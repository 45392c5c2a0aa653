"""Segment images of yours by a few annotated ones: python tools/fewshot_demo.py MODEL WEIGHTS IN.

The support set is a folder with <class>/<n>.jpg and <class>/<n>.png (--support DIR), or images and
masks one by one (--images, --masks, --class-names). It is computed once; save it and load it.
"""

import argparse
import sys


def main() -> None:
    args = parse_args()

    from mmfewshot_seg.apis import UsageError

    try:
        run(args)
    except (OSError, ValueError, TypeError, RuntimeError, UsageError) as error:
        print(f'fewshot_demo: {error}', file=sys.stderr)
        sys.exit(2)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', help='config file, or name of a config of this package')
    parser.add_argument('weights', help='checkpoint')
    parser.add_argument(
        'inputs', metavar='IN', nargs='+', help='images to segment, or one folder, or one video'
    )
    parser.add_argument('--support', metavar='DIR', help='folder of class folders')
    parser.add_argument('--images', nargs='+', help='support images')
    parser.add_argument('--masks', nargs='+', help='a mask for each: an image, or json of LabelMe')
    parser.add_argument('--class-names', nargs='+', help='a name for each, or one for all')
    parser.add_argument('--load-support', metavar='FILE', help='support set that was saved')
    parser.add_argument('--save-support', metavar='FILE', help='where to save the support set')
    parser.add_argument('--mask-suffix', default='.png', help='of --support: <n>SUFFIX is a mask')
    parser.add_argument(
        '--mask-threshold', type=int, metavar='GREY', help='for masks with smooth edges: 128'
    )
    parser.add_argument('--out-dir', default='work_dirs/fewshot_demo', metavar='DIR')
    parser.add_argument('--save-scores', action='store_true', help='write scores as .npy files too')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--device', help='cpu, cuda:0, ...; by default what there is')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    sources = (args.support, args.images, args.load_support)
    if sum(source is not None for source in sources) != 1:
        parser.error('give one of --support, --images and --load-support')
    if args.images and not (args.masks and args.class_names):
        parser.error('--images needs --masks and --class-names')
    if args.batch_size < 1:
        parser.error(f'--batch-size must be at least 1, not {args.batch_size}')
    return args


def run(args: argparse.Namespace) -> None:
    from mmfewshot_seg.apis import FewShotInferencer
    from mmfewshot_seg.apis.package_inferencer import config_path
    from mmfewshot_seg.apis.run_config import existing, load_config

    model = load_config(config_path(args.model), args.cfg_options)
    inferencer = FewShotInferencer(model, existing(args.weights), args.device)
    if args.load_support:
        inferencer.load_support(args.load_support)
    elif args.support:
        inferencer.set_support(
            args.support, mask_suffix=args.mask_suffix, mask_threshold=args.mask_threshold
        )
    else:
        names = args.class_names[0] if len(args.class_names) == 1 else args.class_names
        inferencer.set_support(args.images, args.masks, names, mask_threshold=args.mask_threshold)
    if args.save_support:
        inferencer.save_support(args.save_support)
    batches = inferencer.stream(
        args.inputs[0] if len(args.inputs) == 1 else args.inputs,
        return_datasamples=True,
        batch_size=args.batch_size,
        out_dir=args.out_dir,
        save_scores=args.save_scores,
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
    main()
