"""Few-shot segmentation in minutes: draws its data, trains, tests, and writes a picture."""

import argparse
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    args = parser.parse_args()

    from mmfewshot_seg.apis.demo import run_demo

    try:
        picture = run_demo(Path(__file__).resolve().parents[1], args.work_dir)
    except (OSError, ValueError, RuntimeError) as error:
        print(f'demo: {error}', file=sys.stderr)
        sys.exit(2)
    print(f'Episodes (support, query, prediction, truth): {picture}')


if __name__ == '__main__':
    main()
