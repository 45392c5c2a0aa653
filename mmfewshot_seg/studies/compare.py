"""Comparisons of configs: trained from the same seed, tested, side by side."""

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from matplotlib.figure import Figure
from prettytable import PrettyTable

from mmfewshot_seg.apis.run_config import load_config
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.files.whole_file import whole_file
from mmfewshot_seg.studies.tool_runs import newest_figures, run_tool, write_summary


def compare(
    tools: Path,
    out: Path,
    configs: Sequence[str],
    figures: Sequence[str] = ('*',),
    pretrain: str | None = None,
    seed: int = 0,
    cfg_options: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Train and test configs; print a table, write ``summary.json`` and ``figures.png``.

    What has been trained in ``out`` before is only tested, whatever its seed and options were.

    Args:
        tools: Folder that holds ``train.py`` and ``test.py``.
        out: Folder for everything, with a work dir for each config.
        configs: Config files that train by iterations.
        figures: Patterns of the figures wanted, e.g. ``'*mAP'``.
        pretrain: Config whose weights all the others start from, as far as names and shapes fit.
        seed: Seed of every training.
        cfg_options: ``key=value`` options of all configs.

    Returns:
        For each config its figures, and the CPU seconds of its training and test.

    Raises:
        UsageError: If a config cannot be read or trains by epochs, two have the same name, or the
            tests give no figure of those wanted.
        RuntimeError: If a tool fails; the end of its log is in the message.
    """
    every = [*configs, *([pretrain] if pretrain else [])]
    names = [Path(config).stem for config in every]
    if len(set(names)) < len(names):
        raise UsageError(f'configs need names of their own, got {", ".join(names)}')
    for config in every:  # so that a mistake is told before the first training
        if 'max_iters' not in load_config(config, cfg_options).get('train_cfg', {}):
            raise UsageError(f'{config} has no train_cfg.max_iters: it is to train by iterations')
    start, start_from = time.time(), cfg_options
    rows: dict[str, dict] = {}
    if pretrain:
        weights, rows[Path(pretrain).stem] = _trained(tools, out, pretrain, seed, cfg_options)
        start_from = [*cfg_options, f'load_from={weights}']
    for config in configs:
        checkpoint, training = _trained(tools, out, config, seed, start_from)
        found, test_seconds = _tested(tools, out, config, checkpoint, cfg_options)
        wanted = {k: v for k, v in found.items() if any(fnmatchcase(k, p) for p in figures)}
        if not wanted:
            raise UsageError(f'no figure is like {" or ".join(figures)}, there are {list(found)}')
        rows[Path(config).stem] = {**wanted, **training, 'test_cpu_seconds': test_seconds}
    seconds = round(time.time() - start)
    write_summary(out / 'summary.json', seconds=seconds, seed=seed, results=rows)
    _print_table(rows)
    _draw({name: rows[name] for name in names[: len(configs)]}, out / 'figures.png')
    return rows


def _trained(
    tools: Path, out: Path, config: str, seed: int, options: Sequence[str]
) -> tuple[Path, dict[str, int]]:
    """Checkpoint of a config, and the CPU seconds of its training if it was not there."""
    name, total = Path(config).stem, load_config(config, options).train_cfg.max_iters
    checkpoint = out / name / f'iter_{total}.pth'
    if checkpoint.exists():
        return checkpoint, {}
    arguments = [tools / 'train.py', config, '--work-dir', out / name, '--seed', seed, '--resume']
    arguments += _given(options)
    seconds = run_tool(f'Training {name}', arguments, out / f'{name}_train.log', total)
    return checkpoint, dict(train_cpu_seconds=round(seconds))


def _tested(
    tools: Path, out: Path, config: str, checkpoint: Path, options: Sequence[str]
) -> tuple[dict[str, float], int]:
    """Figures of a checkpoint, and CPU seconds of the test."""
    name = Path(config).stem
    test_dir = out / f'{name}_test'
    arguments = [tools / 'test.py', config, checkpoint, '--work-dir', test_dir]
    arguments += _given(options)
    seconds = run_tool(f'Testing {name}', arguments, test_dir.with_suffix('.log'), 0)
    return newest_figures(test_dir), round(seconds)


def _given(options: Sequence[str]) -> list[str]:
    return ['--cfg-options', *options] if options else []


def _print_table(rows: dict[str, dict]) -> None:
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    table = PrettyTable(['config', *columns], align='l', float_format='.3')
    for name, row in rows.items():
        table.add_row([name, *(row.get(column, '') for column in columns)])
    print(table)


def _draw(rows: dict[str, dict], path: Path) -> None:
    """A group of bars for each figure that all configs have, a bar for each config."""
    first, *others = rows.values()
    figures = [key for key in first if all(key in row for row in others)]
    figures = [key for key in figures if not key.endswith('seconds')]
    width = 0.8 / len(rows)
    plot = Figure(figsize=(2 + 0.5 * len(figures) * len(rows), 4), layout='constrained')
    axes = plot.subplots()
    for index, (name, row) in enumerate(rows.items()):
        places = [place + index * width for place in range(len(figures))]
        bars = axes.bar(places, [row[key] for key in figures], width, label=name)
        axes.bar_label(bars, fmt='%.3f', fontsize=8)
    axes.set_xticks([place + 0.4 - width / 2 for place in range(len(figures))], figures)
    axes.legend(loc='upper center', bbox_to_anchor=(0.5, -0.1))
    with whole_file(path) as file:
        plot.savefig(file, format='png')
