"""The demo: photographs without training; then a drawn data set, trained on and tested."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from prettytable import PrettyTable

from mmfewshot_seg.apis.pretrained import PRETRAINED
from mmfewshot_seg.datasets.drawn import draw_dataset
from mmfewshot_seg.files.tensor_file import save_tensors
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.studies.baselines import episode_baselines
from mmfewshot_seg.studies.photo_demo import segment_examples
from mmfewshot_seg.studies.tool_runs import newest_figures, run_tool, write_summary

CONFIG = 'configs/panet/panet_r18-d8_1xb8-350_drawn.py'
DENSE_MATCHING = 'configs/dense_matching/dense-matching_lite0-d8_drawn.py'
NUM_IMAGES = 1200
NUM_ROWS = 6
PICTURES = 'test_*.png'  # as EpisodeVisualizationHook names them


def run_demo(root: Path, work_dir: Path) -> Path:
    """Segment photographs; draw, train, test, compare; print the table, write ``summary.json``.

    The path of the picture of photographs is the first to be printed.

    Args:
        root: Folder that holds ``configs`` and ``tools``.
        work_dir: Where everything is written.

    Returns:
        Path of a picture of drawn data: a row per episode with support, query, prediction and
        truth.

    Raises:
        ImportError: If timm or scikit-image is not installed.
        FileExistsError: If ``work_dir/data`` was drawn with other settings and is to be removed.
        RuntimeError: If training or testing fails; the end of the log is in the message.
    """
    start = time.time()
    photographs = segment_examples(work_dir / 'photographs.png')
    print(f'Photographs (the only example of each, result): {photographs}', flush=True)
    data = draw_dataset(work_dir / 'data', num_train=NUM_IMAGES)
    # Threads that spin while they wait make every small operation slow on a busy machine.
    waiting = os.environ.get('OMP_WAIT_POLICY', 'passive')
    with _environment(DRAWN_DATA=str(data), OMP_WAIT_POLICY=waiting):
        return _train_and_test(root, work_dir, start)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Environment variables for configs and tools."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _train_and_test(root: Path, work_dir: Path, start: float) -> Path:
    """All that is on the drawn data; see :func:`run_demo`."""
    cfg = Config.fromfile(root / CONFIG)
    init_default_scope(cfg.default_scope)

    train = [root / 'tools/train.py', root / CONFIG, '--work-dir', work_dir / 'train']
    run_tool('Training on the base classes', train, work_dir / 'train.log', cfg.train_cfg.max_iters)
    checkpoint = work_dir / 'train' / f'iter_{cfg.train_cfg.max_iters}.pth'
    pictures = work_dir / 'pictures'
    for picture in pictures.rglob(PICTURES):  # of an earlier run
        picture.unlink()
    episodes = cfg.test_dataloader.dataset.num_episodes
    test = [root / 'tools/test.py', root / CONFIG]
    novel = _test([*test, checkpoint, '--show-dir', pictures], work_dir / 'test', episodes)
    test_matching = [root / 'tools/test.py', root / DENSE_MATCHING, PRETRAINED]
    matching = _test(test_matching, work_dir / 'test_dense_matching', episodes)
    untrained = _save_untrained(cfg, work_dir / 'untrained.pth')
    before = _test([*test, untrained], work_dir / 'test_untrained', episodes)
    baselines = {'untrained network': before['mIoU']}

    print('Baselines that look at no image, on the same episodes', flush=True)
    baselines.update(episode_baselines(cfg))
    picture = _stack_pictures(pictures, work_dir / 'episodes.png')
    write_summary(
        work_dir / 'summary.json',
        seconds=round(time.time() - start),
        episodes=episodes,
        novel_classes=novel,
        dense_matching=matching,
        baselines=baselines,
    )
    _print_table(novel, matching, baselines)
    return picture


def _test(arguments: list, out: Path, total: int) -> dict[str, float]:
    """Figures of ``tools/test.py`` on the novel classes."""
    title = f'Testing on the novel classes: {out.name}'
    run_tool(title, [*arguments, '--work-dir', out], out.with_suffix('.log'), total)
    return newest_figures(out)


def _save_untrained(cfg: Config, path: Path) -> Path:
    set_random_seed(cfg.randomness.seed)
    model = MODELS.build(cfg.model)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('WARNING')  # else every weight is listed on the screen
    try:
        model.init_weights()
    finally:
        logger.setLevel(level)
    save_tensors(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def _stack_pictures(folder: Path, path: Path) -> Path:
    """Lay the pictures of the first episodes below one another."""
    files = sorted(folder.rglob(PICTURES))[:NUM_ROWS]
    rows = [mmcv.imread(str(file)) for file in files]
    width = max(row.shape[1] for row in rows)
    padded = [
        cv2.copyMakeBorder(
            row, 0, 0, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=(255, 255, 255)
        )
        for row in rows
    ]
    mmcv.imwrite(np.concatenate(padded), str(path), backend_args=WHOLE)
    return path


def _print_table(
    novel: dict[str, float], matching: dict[str, float], baselines: dict[str, float]
) -> None:
    table = PrettyTable(['novel classes, 1-way 1-shot', 'mIoU'], align='l', float_format='.3')
    rows = {
        'trained network': novel['mIoU'],
        'without training: dense matching on an ImageNet encoder': matching['mIoU'],
        **baselines,
    }
    table.add_rows([[name, figure] for name, figure in rows.items()])
    print(table)
