"""What the processes of a training exchange in each step: gradients.py CONFIG ..."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool

MEGABYTE = 1e6


def main() -> None:
    parser = ToolParser(
        description='Print parameters of models, and MB of the gradients that each process of a '
        'training sends and receives in a step. A ring of N processes carries 2 (N - 1) / N of it.'
    )
    parser.add_argument('configs', nargs='+', metavar='CONFIG')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    rows = [(Path(config).stem, *count(config, args.cfg_options)) for config in args.configs]
    width = max(len('config'), *(len(name) for name, _, _ in rows))
    print(f'| {"config".ljust(width)} | parameters  | trained     | MB a step |')
    print(f'|{"-" * (width + 2)}|-------------|-------------|-----------|')
    for name, total, trained in rows:
        size = f'{4 * trained / MEGABYTE:.1f}'
        print(f'| {name.ljust(width)} | {total:<11,} | {trained:<11,} | {size:<9} |')


def count(config: str, cfg_options: list[str]) -> tuple[int, int]:
    """Parameters of the model of a config, and those that are trained."""
    from mmengine.registry import init_default_scope

    from mmfewshot_seg.apis.run_config import load_config
    from mmfewshot_seg.registry import MODELS

    cfg = load_config(config, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    parameters = list(MODELS.build(cfg.model).train().parameters())
    return sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad)


if __name__ == '__main__':
    run_tool(main)
