"""Yardsticks of a zero-shot config: what its figures have to beat, on the same test images.

All are made of two runs of the network, by giving other labels to what it detects, and keep to the
number of detections per image that the config allows.

Shape letters: ``S`` seen classes, ``U`` unseen classes.
"""

import contextlib
import io
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmdet.structures.mask import encode_mask_results
from mmengine.config import ConfigDict
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from mmengine.utils import track_iter_progress
from prettytable import PrettyTable
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmfewshot_seg.apis.config_checks import PARTS_OF_TEST, check_data_paths, check_parts
from mmfewshot_seg.apis.run_config import existing_checkpoint, load_config
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.models.zeroshot import ZeroShotFasterRCNN
from mmfewshot_seg.models.zeroshot.zero_shot_bbox_head import suppress
from mmfewshot_seg.studies.tool_runs import write_summary

Relabel = Callable[[InstanceData], InstanceData]
Figures = dict[str, float]
TIE = 1e-6  # cosines that differ less count as equal


def zeroshot_baselines(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    seeds: int = 5,
    cfg_options: Sequence[str] = (),
) -> dict[str, dict[str, Figures]]:
    """Figures of a checkpoint and of its yardsticks; prints a table, writes ``summary.json``.

    * ``shuffled vectors``: each unseen class has the vector of another one; see `derangement`. A
      class's boxes go with its vector, which matters for ``unseen_reg='index'`` only.
    * ``random labels``: each detection of an unseen class is of any unseen class by chance.
    * ``nearest seen class``: the network detects seen classes, and an unseen class is where its
      most similar seen one is, by chance one of those that are equally similar; see
      `nearest_seen`. As many detections per class are taken over as the config allows per unseen
      class on average.
    * ``all nearest seen classes``: the same with all that are equally similar, if there are such.

    In the generalised task the seen classes stay as they are.

    Args:
        config: Config file that tests unseen classes, alone or with the seen ones.
        checkpoint: Weights.
        work_dir: See :func:`load_config`; ``summary.json`` is written there.
        seeds: Number of draws of what is by chance.
        cfg_options: ``key=value`` options.

    Returns:
        By name, ``mean`` and ``std`` (over the draws) of each figure of the metric.

    Raises:
        UsageError: If an argument or the file of the config is wrong.
    """
    if seeds < 1:
        raise UsageError(f'--seeds must be at least 1, not {seeds}')
    cfg = load_config(config, cfg_options, work_dir)
    check_parts(cfg, PARTS_OF_TEST)
    cfg.load_from, cfg.resume = existing_checkpoint(checkpoint), False
    check_data_paths(cfg, ('test_dataloader',))
    runner = Runner.from_cfg(cfg)
    loop = runner.test_loop
    test_cfg = _checked_test_cfg(runner.model)
    runner.load_or_resume()
    classes = runner.model.class_names
    known, mode = runner.model.classes, runner.model.mode
    num_seen, num_unseen = len(known.seen), len(known.unseen)
    first = len(classes) - num_unseen

    found = _detections(runner.model, loop.dataloader, mode)
    share = math.ceil(test_cfg.max_per_img * num_seen / num_unseen)
    most = max(test_cfg.max_per_img, share)
    seen = _detections(runner.model, loop.dataloader, 'seen', max_per_img=most)

    near = nearest_seen(*map(torch.from_numpy, (known.seen, known.unseen)))
    tied = bool((near.sum(0) > 1).any())
    rngs = [np.random.RandomState(seed) for seed in range(seeds)]
    rows = {
        'this checkpoint': (found, [lambda instances: instances]),
        'shuffled vectors': (found, [_shuffle(rng, num_unseen, first) for rng in rngs]),
        'random labels': (found, [_redraw(rng, num_unseen, first, test_cfg) for rng in rngs]),
        'nearest seen class': (
            seen,
            [_rename(one_each(rng, near), first, test_cfg) for rng in rngs[: None if tied else 1]],
        ),
    }
    if tied:
        rows['all nearest seen classes'] = (seen, [_rename(near, first, test_cfg)])
    results = {}
    for name, (images, relabels) in rows.items():
        print(f'{name}: {len(relabels)} x {len(images)} images', flush=True)
        draws = [_evaluate(loop.evaluator, images, relabel, classes) for relabel in relabels]
        results[name] = {
            statistic: {key: float(by([draw[key] for draw in draws])) for key in draws[0]}
            for statistic, by in (('mean', np.mean), ('std', np.std))
        }
    write_summary(
        Path(cfg.work_dir, 'summary.json'),
        config=config,
        checkpoint=checkpoint,
        mode=mode,
        images=len(found),
        max_per_img=test_cfg.max_per_img,
        seeds=seeds,
        results=results,
    )
    print(_table(results))
    return results


@dataclass
class _Image:
    """What the metric wants to know of an image, and its detections, masks as RLE."""

    meta: dict
    instances: InstanceData


def derangement(rng: np.random.RandomState, count: int) -> np.ndarray:
    """A permutation, (count,), which leaves nothing in its place; all are equally likely.

    Args:
        rng: Source.
        count: At least 2.
    """
    places = np.arange(count)
    while True:  # more than a third of all permutations are such, if there are two places or more
        drawn = rng.permutation(count)
        if (drawn != places).all():
            return drawn


def nearest_seen(seen: Tensor, unseen: Tensor) -> Tensor:
    """Which seen classes are the most similar ones of each unseen class, by cosine.

    Args:
        seen: (S, D) vectors.
        unseen: (U, D) vectors.

    Returns:
        (S, U) bool; each column is true at least once, and more often only where classes are
        equally similar.

    Examples:
        >>> nearest_seen(torch.eye(2), torch.tensor([[2.0, 1.0], [3.0, 3.0]])).tolist()
        [[True, True], [False, True]]
    """
    seen, unseen = (nn.functional.normalize(vectors.double()) for vectors in (seen, unseen))
    cosines = seen @ unseen.T
    return cosines > cosines.amax(0) - TIE


def one_each(rng: np.random.RandomState, near: Tensor) -> Tensor:
    """One of the true places of every column of ``near``, (S, U), by chance; (S, U) bool."""
    order = torch.from_numpy(rng.random_sample(near.shape))
    best = order.where(near, -1).argmax(0)
    return torch.zeros_like(near).scatter(0, best[None], True)


def _checked_test_cfg(model: nn.Module) -> ConfigDict:
    """``test_cfg.rcnn`` of a model that yardsticks make sense for.

    Raises:
        ValueError: If there are none.
    """
    if not isinstance(model, ZeroShotFasterRCNN):
        raise ValueError(f'the model is a {type(model).__name__}, expected a zero-shot detector')
    if model.mode == 'seen':
        raise ValueError(
            'the config tests seen classes only, there is nothing to beat: set '
            'model.test_cfg.rcnn.mode and test_dataloader.dataset.mode to unseen or generalized'
        )
    if len(model.split.unseen) < 2:
        raise ValueError('the config has one unseen class, but names are to be confused')
    return model.roi_head.test_cfg


@torch.no_grad()
def _detections(
    model: ZeroShotFasterRCNN, loader: DataLoader, mode: str, **changes
) -> list[_Image]:
    """Detections in all images in a mode, with changes to ``test_cfg.rcnn`` for this run."""
    test_cfg = model.roi_head.test_cfg
    before = {key: test_cfg[key] for key in changes}
    test_cfg.update(changes)
    detected = model.choose_classes(mode=mode)
    model.eval()
    images = []
    for batch in track_iter_progress((loader, len(loader))):
        data = model.data_preprocessor(batch, False)
        for sample in model.predict(data['inputs'], data['data_samples'], detected=detected):
            instances = sample.pred_instances.cpu()
            if 'masks' in instances:
                instances.masks = encode_mask_results(instances.masks.numpy())
            images.append(_Image(sample.metainfo, instances))
    print(flush=True)
    test_cfg.update(before)
    return images


def _evaluate(
    evaluator: Evaluator, images: list[_Image], relabel: Relabel, classes: tuple[str, ...]
) -> Figures:
    """Figures of the detections with other labels."""
    samples = (
        dict(
            image.meta,
            zeroshot_classes=classes,
            pred_instances=relabel(image.instances).to_dict(),
        )
        for image in images
    )
    with _quiet():
        return evaluator.offline_evaluate(samples)


def _shuffle(rng: np.random.RandomState, num_unseen: int, first: int) -> Relabel:
    order = torch.from_numpy(derangement(rng, num_unseen))
    table = torch.cat([torch.arange(first), first + order])
    return lambda instances: _labelled(instances, table[instances.labels])


def _redraw(
    rng: np.random.RandomState, num_unseen: int, first: int, test_cfg: ConfigDict
) -> Relabel:
    def relabel(instances: InstanceData) -> InstanceData:
        drawn = torch.from_numpy(rng.randint(first, first + num_unseen, len(instances)))
        labels = drawn.where(instances.labels >= first, instances.labels)
        return suppress(_labelled(instances, labels), first, test_cfg)

    return relabel


def _rename(near: Tensor, first: int, test_cfg: ConfigDict) -> Relabel:
    """Detections of seen classes as such of the unseen classes that they are nearest to."""

    def relabel(instances: InstanceData) -> InstanceData:
        rows, unseen = near[instances.labels].nonzero().unbind(1)
        renamed = _labelled(instances[rows], first + unseen)
        if not first:
            return suppress(renamed, first, test_cfg)
        kept = instances.new()
        kept.scores = instances.scores * test_cfg.get('seen_factor', 1.0)
        return suppress(InstanceData.cat([kept, renamed]), first, test_cfg)

    return relabel


def _labelled(instances: InstanceData, labels: Tensor) -> InstanceData:
    copy = instances.new()
    copy.labels = labels
    return copy


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the tables of the metric and of pycocotools."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def _table(results: dict[str, dict[str, Figures]]) -> PrettyTable:
    """Figures at IoU 0.5; behind the mean of several draws their standard deviation."""
    table = PrettyTable(['', *results], align='l')
    for key in results['this checkpoint']['mean']:
        if key.endswith(('_mAP', '_recall', '_recall_50')):
            row = [(found['mean'][key], found['std'][key]) for found in results.values()]
            table.add_row([key, *(f'{m:.3f}' + (f' ± {s:.3f}' if s else '') for m, s in row)])
    return table
