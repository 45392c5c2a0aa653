"""Which supports of a set do not fit: their masks, their images, and what the others say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mmcv
import numpy as np
from prettytable import PrettyTable

from mmfewshot_seg.apis.leave_one_out import LeftOut
from mmfewshot_seg.apis.mask_fit import LEAST_FIT
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.visualization.tiles import stack, tile

# A support that the others miss does not fit if they find one another. Chosen on the validation
# classes of docs/learning.md.
MISSED_IOU = 0.1
FOUND_IOU = 0.7

OUTLINE = "the mask does not follow what the image shows: is it another image's, or rough?"
UNLIKE = 'the others find each other, but not this one: does it show the class?'


@dataclass(frozen=True)
class SupportCheck:
    """How well a support fits its set.

    Attributes:
        class_name: Its class.
        number: Its number within the class, from 1.
        path: File of its image, or None.
        iou: IoU of its mask and what all other supports find in its image; nan if no other shows
            the class.
        mask_fit: How well its mask fits its own image, see :func:`mask_fit`; nan if that cannot be
            told: of small masks, boxes and scribbles.
        reason: Why it does not fit; empty if it does.
    """

    class_name: str
    number: int
    path: str | None
    iou: float
    mask_fit: float
    reason: str

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reason


def judge_supports(left_out: Sequence[LeftOut], mask_fits: Sequence[float]) -> list[SupportCheck]:
    """Judge each support of a class; negatives are not judged.

    Args:
        left_out: Supports, each with what the others find in it.
        mask_fits: How well the mask of each fits its image.
    """
    checks = []
    for one, fit in zip(left_out, mask_fits, strict=True):
        if one.class_name is None:
            continue
        peers = [
            other.iou
            for other in left_out
            if other.class_name == one.class_name and other is not one
        ]
        missed = one.iou < MISSED_IOU and float(np.median(peers)) > FOUND_IOU
        reason = OUTLINE if fit < LEAST_FIT else UNLIKE if missed else ''
        checks.append(SupportCheck(one.class_name, one.number, one.path, one.iou, fit, reason))
    return checks


def table_of_checks(checks: Sequence[SupportCheck]) -> str:
    """One line a support: class, number, file, IoU, and what is wrong with it."""
    columns = ['class', 'support', 'file', 'IoU by the others', 'mask fit', 'what is wrong']
    table = PrettyTable(columns, align='l')
    for check in checks:
        values = check.iou, check.mask_fit
        figures = ('-' if math.isnan(value) else f'{value:.2f}' for value in values)
        table.add_row([check.class_name, check.number, check.path or '', *figures, check.reason])
    return str(table)


def write_checks(path: Path, left_out: Sequence[LeftOut], checks: Sequence[SupportCheck]) -> None:
    """Write what :func:`draw_checks` draws."""
    mmcv.imwrite(draw_checks(left_out, checks)[..., ::-1], str(path), backend_args=WHOLE)


def draw_checks(left_out: Sequence[LeftOut], checks: Sequence[SupportCheck]) -> np.ndarray:
    """(H, W, 3) uint8 RGB: each support with its mask, and with what the others find in it."""
    shown = [one for one in left_out if one.class_name is not None]
    rows = []
    for one, check in zip(shown, checks, strict=True):
        image = np.ascontiguousarray(one.image[..., ::-1])
        name = f'{one.class_name} {one.number}'
        row = [tile(image, name if check.fits else f'{name}: does not fit', one.label.numpy())]
        if (found := one.found_mask) is not None:
            row.append(tile(image, f'the others: IoU {check.iou:.2f}', found.astype(np.uint8)))
        rows.append(row)
    columns = max(1, round((len(rows) / 2) ** 0.5))
    pairs = [rows[i : i + columns] for i in range(0, len(rows), columns)]
    return stack([[picture for row in pair for picture in row] for pair in pairs])
