"""Whether a query shows a class at all: thresholds of the scores of presence."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.apis.leave_one_out import LeftOut
from mmfewshot_seg.models.fewshot import BaseFewShotHead

MinScore = float | str | Sequence[float] | None
# What is usual counts like so many examples of the support set.
USUAL = 5
_NUMBER = int | float | np.number


def presence_thresholds(
    head: BaseFewShotHead, class_names: Sequence[str], left_out: Iterable[LeftOut] = ()
) -> list[float]:
    """For each class, half way between the scores of images with it and of those without.

    With it are its supports, each scored by the others; without it are the supports of other
    classes and the negatives. What is usual for the head counts like ``USUAL`` examples of each.

    Raises:
        ValueError: If nothing is usual for the head, and of a class there are no such examples.
    """
    left_out = list(left_out)
    return [_threshold(head, name, left_out) for name in class_names]


def _threshold(head: BaseFewShotHead, name: str, left_out: Sequence[LeftOut]) -> float:
    scores: dict[bool, list[float]] = {False: [], True: []}
    for one in left_out:
        if one.found is not None and name in one.found.class_names:
            score = float(one.found.presence[one.found.class_names.index(name)])
            scores[one.class_name == name].append(score)
    for shown in (False, True):
        if head.presence_levels is not None:
            scores[shown] += USUAL * [head.presence_levels[shown]]
        elif not scores[shown]:
            needed = 'a second support of it' if shown else 'another class or negatives'
            raise ValueError(
                f"min_score='auto' needs {needed} to tell when {name!r} is shown by a network with "
                f'{type(head).__name__}, which has no presence_levels: or give a number'
            )
    return float(np.mean([np.mean(scores[False]), np.mean(scores[True])]))


def check_min_score(min_score: MinScore, ways: int) -> None:
    """Refuse what is no threshold.

    Raises:
        ValueError: If it is neither ``'auto'``, a finite number, one for each class, nor None.
    """
    if min_score is None or (isinstance(min_score, str) and min_score == 'auto'):
        return
    values = [min_score] if isinstance(min_score, _NUMBER) else min_score
    numbers = not isinstance(values, str) and all(
        isinstance(v, _NUMBER) and not isinstance(v, bool) for v in values
    )
    if not numbers or not np.isfinite(values).all() or len(values) not in (1, ways):
        raise ValueError(
            f'min_score={min_score!r}, expected a number, one for each of the {ways} classes, '
            "'auto' or None"
        )


def without_absent(logits: Tensor, presence: Tensor, min_scores: Sequence[float]) -> Tensor:
    """Logits in which no pixel is of a class that the query does not show.

    Args:
        logits: (1+N, H, W).
        presence: (N,) scores.
        min_scores: N or one; a class with a lower score is not shown.
    """
    absent = presence < torch.as_tensor(min_scores, dtype=presence.dtype)
    ways = torch.where(absent.view(-1, 1, 1), logits.amin() - 100, logits[1:])
    return torch.cat([logits[:1], ways])
