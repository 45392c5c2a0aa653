"""Tolerances stated in words by a fixture, e.g. ``'rtol 1e-5, atol 1e-7'``.

Understood, anywhere in the text: ``exact``; ``rtol X`` of each entry; ``atol X``, or
``atol X * max|value|``; ``at least X %``, the share of the entries that must fit; ``at most M
pixel(s) in N``, how many may not; ``IoU >= X per mask``, instead of all entries of a mask; ``at
most X % of image pixels``, the mask's other way out.
"""

import re
from dataclasses import dataclass

from torch import Tensor

NUMBER = r'(\d[\d.,]*(?:e[+-]?\d+)?)'


@dataclass(frozen=True)
class Statement:
    """What a text allows.

    Attributes:
        atol: Absolute difference of an entry.
        rtol: Difference relative to the expected entry.
        atol_of_max: Difference relative to the largest expected entry.
        outliers: Share of the entries that may differ by more.
        iou: Least IoU of each mask; entries are then not compared.
        mask_outliers: Share of the pixels by which a mask of lower IoU may differ.
    """

    atol: float = 0.0
    rtol: float = 0.0
    atol_of_max: float = 0.0
    outliers: float = 0.0
    iou: float | None = None
    mask_outliers: float = 0.0

    def difference(self, ours: Tensor, expected: Tensor) -> str | None:
        """Describe by how much two float64 tensors of one shape differ, None if within bounds."""
        if self.iou is not None:
            return self._mask_difference(ours > 0, expected > 0)
        allowed = self.atol + self.rtol * expected.abs()
        allowed = allowed + self.atol_of_max * expected.abs().max()
        errors = (ours - expected).abs()
        share = (~(errors <= allowed)).double().mean().item()
        if share <= self.outliers:
            return None
        return f'{share:.3g} of the entries differ, by up to {errors.max():.3g}; allowed {self}'

    def _mask_difference(self, ours: Tensor, expected: Tensor) -> str | None:
        ours, expected = ours.flatten(1), expected.flatten(1)
        union = (ours | expected).sum(1).clamp(min=1)
        iou = ((ours & expected).sum(1) / union).masked_fill(~(ours | expected).any(1), 1)
        outliers = (ours != expected).double().mean(1)
        wrong = (iou < self.iou) & (outliers > self.mask_outliers)
        if not wrong.any():
            return None
        return f'masks {wrong.nonzero().flatten().tolist()} have IoU {iou[wrong].tolist()}'


def parse(text: str) -> Statement:
    """Read a statement.

    Raises:
        ValueError: If it states no tolerance that is understood.
    """
    found = {}
    if match := re.search(rf'\batol {NUMBER}( \* max\|value\|)?', text):
        found['atol_of_max' if match[2] else 'atol'] = _number(match[1])
    if match := re.search(rf'\brtol {NUMBER}', text):
        found['rtol'] = _number(match[1])
    if match := re.search(rf'\bat least {NUMBER} ?%', text):
        found['outliers'] = 1 - _number(match[1]) / 100
    if match := re.search(rf'\bat most {NUMBER} pixels? in {NUMBER}', text):
        found['outliers'] = _number(match[1]) / _number(match[2])
    if match := re.search(rf'\bIoU >= {NUMBER} per mask', text):
        found['iou'] = _number(match[1])
        if match := re.search(rf'\bat most {NUMBER} ?% of image pixels', text):
            found['mask_outliers'] = _number(match[1]) / 100
    if not found and not re.search(r'\bexact\b', text):
        raise ValueError(f'no known tolerance in {text!r}')
    return Statement(**found)


def _number(text: str) -> float:
    return float(text.rstrip('.,').replace(',', ''))
