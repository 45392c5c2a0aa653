"""What a support set tells about itself: are spoiled supports named, are absent classes noticed?"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress
from mmseg.structures import SegDataSample
from numpy.random import RandomState
from numpy.typing import ArrayLike

from mmfewshot_seg.apis.config_checks import check_data_paths, check_parts
from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.presence import presence_thresholds
from mmfewshot_seg.apis.run_config import load_config
from mmfewshot_seg.apis.support_check import judge_supports
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.datasets.fewshot_dataset import FewShotDataset
from mmfewshot_seg.files.whole_file import whole_file
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.base_fewshot_head import log_odds, mean_of_highest
from mmfewshot_seg.registry import DATASETS

SPOILED = ('mask', 'image')


@dataclass
class Findings:
    """What was found in all trials.

    Attributes:
        named: For each trial whether the spoiled support was said not to fit.
        alarms: For each trial without a spoiled one how many supports were said not to fit.
        supports: Number of supports of all trials.
        present: Scores of queries that show the class, by the name of the score.
        absent: Scores of queries of other classes.
        margins: By which the presence of those with and of those without is above the threshold.
    """

    named: list[bool] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)
    supports: int = 0
    present: list[dict[str, float]] = field(default_factory=list)
    absent: list[dict[str, float]] = field(default_factory=list)
    margins: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def report(self) -> str:
        """The figures, line by line."""
        with_class, without = (np.array(margins) for margins in self.margins)
        right, wrong = (with_class >= 0).sum(), (without >= 0).sum()
        lines = [
            f'{np.mean(self.named):.3f}  spoiled supports that are named ({len(self.named)})',
            f'{np.mean(np.array(self.alarms) > 0):.3f}  sound support sets with a false alarm',
            f'{sum(self.alarms) / self.supports:.3f}  sound supports that are named',
            f'{right / max(right + wrong, 1):.3f}  precision of presence at the threshold',
            f'{right / len(with_class):.3f}  recall of presence at the threshold',
        ]
        names = self.present[0]
        for name in names:
            area = roc_area([one[name] for one in self.present], [one[name] for one in self.absent])
            lines.append(f'{area:.3f}  area under the ROC curve: {name}')
        area = roc_area(with_class, without)
        return '\n'.join([*lines, f'{area:.3f}  area under the ROC curve: above the threshold'])


def support_quality(
    config: str,
    cfg_options: Sequence[str] = (),
    num_trials: int = 100,
    num_shots: int = 5,
    spoil: str = 'mask',
    weights: str | None = None,
) -> Findings:
    """Try support sets of the test classes of a few-shot config.

    In each trial a set is checked as it is and with one support spoiled; by the sound one a query
    of the class and one of another class are segmented.

    Args:
        config: Config file.
        cfg_options: ``key=value`` options.
        num_trials: Number of trials.
        num_shots: Supports of a set, at least 2.
        spoil: ``'mask'``: it has the mask of an image of another class; ``'image'``: it is a sound
            support of another class.
        weights: Checkpoint; None: pretrained weights that the config names.

    Raises:
        UsageError: If the config or its data is wrong, or a number is out of range.
    """
    if num_trials < 1 or num_shots < 2:
        raise UsageError(f'at least 1 trial and 2 shots, not {num_trials} and {num_shots}')
    if spoil not in SPOILED:
        raise UsageError(f'spoil={spoil!r}, expected one of {list(SPOILED)}')
    options = [
        *cfg_options,
        f'test_dataloader.dataset.num_shots={num_shots}',
        'test_dataloader.dataset.num_runs=1',
        f'test_dataloader.dataset.num_episodes={num_trials}',
    ]
    cfg = load_config(config, options)
    check_parts(cfg, ('test_dataloader',))
    check_data_paths(cfg, ('test_dataloader',))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    if len(dataset.sampler.class_ids) < 2:
        raise UsageError('the test has one class: other classes are needed, to spoil supports by')
    inferencer = FewShotInferencer(cfg, weights, show_progress=False)
    remember_features(inferencer.model)
    findings = Findings()
    for index in track_iter_progress(range(num_trials), file=sys.stderr):
        _try(inferencer, dataset, index, spoil, findings)
    return findings


def _try(
    inferencer: FewShotInferencer, data: FewShotDataset, index: int, spoil: str, findings: Findings
) -> None:
    episode, rng = data.sampler.episode(index), RandomState([data.sampler.seed, index, 3])
    class_id, shots = episode.class_ids[0], list(episode.support[0])
    others = [other for other in data.sampler.class_ids if other != class_id]
    stranger, donor = (rng.choice(data.sampler.images[rng.choice(others)]) for _ in range(2))
    place = rng.randint(len(shots))

    pairs = [(shot, shot) for shot in shots]
    sound = _fit(inferencer, data, pairs)
    left_out = inferencer.leave_one_out(sound)
    checks = judge_supports(left_out, inferencer.mask_fits(left_out))
    findings.alarms.append(sum(not check.fits for check in checks))
    findings.supports += len(checks)
    pairs[place] = (shots[place] if spoil == 'mask' else donor, donor)
    findings.named.append(not inferencer.check_support(_fit(inferencer, data, pairs))[place].fits)

    state, head = inferencer.joined(sound), inferencer.model.decode_head
    (threshold,) = presence_thresholds(head, state.class_names, left_out)
    for image, side, margins in (
        (episode.query[0], findings.present, findings.margins[0]),
        (stranger, findings.absent, findings.margins[1]),
    ):
        path = data.source.image_path(image)
        (sample,) = inferencer(path, support=state, return_datasamples=True)['predictions']
        side.append(candidates(sample))
        margins.append(float(sample.presence[0]) - threshold)


def _fit(
    inferencer: FewShotInferencer, data: FewShotDataset, pairs: Sequence[tuple[int, int]]
) -> FittedSupports:
    """Supports of numbers of images and of those whose masks they have."""
    images = [data.source.image_path(image) for image, _ in pairs]
    # The classes of an image without others: what it shows is the way.
    masks = [
        data.source.label_map(owner, range(len(data.source.class_names))) for _, owner in pairs
    ]
    return inferencer.fit_singly(images, [np.where(m == 255, 255, m > 0) for m in masks], 'class')


def candidates(sample: SegDataSample) -> dict[str, float]:
    """Scores by which one could tell whether the only class is in an image."""
    logits, probability = sample.seg_logits.data, sample.seg_logits.data.softmax(0)[1]
    found = probability > 0.5
    ahead = mean_of_highest(log_odds(logits))
    return {
        'presence': float(sample.presence[0]),
        'logit against the background, highest tenth': float(ahead),
        'highest probability': float(probability.max()),
        'mean probability of what is found': float(probability[found].mean()) if found.any() else 0,
        'share of what is found': float(found.float().mean()),
    }


def roc_area(positives: ArrayLike, negatives: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive has a higher score than a negative."""
    above = np.subtract.outer(positives, negatives)
    return float((above > 0).mean() + (above == 0).mean() / 2)


def draw_curve(findings: Findings, path: Path) -> None:
    """Draw precision over recall for every threshold, and mark the one of the support sets."""
    from matplotlib.figure import Figure

    with_class, without = (np.array(margins) for margins in findings.margins)
    steps = np.sort(np.append(with_class, 0.0))
    right = np.array([(with_class >= step).sum() for step in steps])
    wrong = np.array([(without >= step).sum() for step in steps])
    figure = Figure(figsize=(4, 3), layout='constrained')
    axes = figure.subplots()
    axes.plot(right / len(with_class), right / np.maximum(right + wrong, 1))
    chosen = steps == 0
    axes.plot((right / len(with_class))[chosen], (right / (right + wrong))[chosen], 'o')
    axes.set(xlabel='recall of presence', ylabel='precision', xlim=(0, 1.02), ylim=(0.4, 1.02))
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        figure.savefig(file, format='png', dpi=100)


def remember_features(model: FewShotSegmentor) -> None:
    """Keep the features of every image, so that no image goes through the encoder twice."""
    extract = model.extract_feat
    known: dict[bytes, tuple[torch.Tensor, ...]] = {}

    def remembered(inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if len(inputs) > 1:
            return extract(inputs)
        key = inputs.cpu().numpy().tobytes()
        if key not in known:
            known[key] = extract(inputs)
        return known[key]

    model.extract_feat = remembered  # type: ignore[method-assign]
