"""Tolerances in words: what is read, what it lets pass, and what is not understood."""

import pytest
import torch
from parity.statements import Statement, parse


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('exact', Statement()),
        ('atol 1e-4', Statement(atol=1e-4)),
        ('rtol 1e-5, atol 1e-7', Statement(atol=1e-7, rtol=1e-5)),
        ('rtol 2e-3: a threshold may move single pixels', Statement(rtol=2e-3)),
        (
            'rtol 1e-3, atol 1e-3 * max|value|; every 16th channel of P2',
            Statement(rtol=1e-3, atol_of_max=1e-3),
        ),
        (
            'logits (N, 1, 112, 112); atol 1e-3 on at least 99.9 % of the pixels (rounding of 0)',
            Statement(atol=1e-3, outliers=1e-3),
        ),
        ('masks as uint8; at most 1 pixel in 10,000 may differ', Statement(outliers=1e-4)),
        (
            'boolean; IoU >= 0.999 per mask or at most 0.1 % of image pixels',
            Statement(iou=0.999, mask_outliers=1e-3),
        ),
    ],
)
def test_read(text: str, expected: Statement) -> None:
    found = parse(text)
    assert vars(found) == pytest.approx(vars(expected))


def test_not_understood() -> None:
    with pytest.raises(ValueError, match='no known tolerance'):
        parse('nearly the same')


def test_entries_are_compared_one_by_one() -> None:
    expected = torch.tensor([1.0, 100.0]).double()
    assert Statement(rtol=0.01).difference(expected * 1.009, expected) is None
    assert Statement(atol=0.1).difference(expected * 1.009, expected) is not None
    assert Statement(atol=0.1, outliers=0.5).difference(expected * 1.009, expected) is None
    assert Statement(atol_of_max=0.01).difference(expected + 0.9, expected) is None
    assert Statement(atol=1.0).difference(expected * float('nan'), expected) is not None


def test_each_mask_has_its_iou_or_few_other_pixels() -> None:
    expected = torch.zeros(2, 10, 10).double()
    expected[0, :5] = 1
    ours = expected.clone()
    ours[0, 0, 0] = 0  # IoU 0.98
    assert Statement(iou=0.97).difference(ours, expected) is None
    assert Statement(iou=0.99).difference(ours, expected).startswith('masks [0]')
    assert Statement(iou=0.99, mask_outliers=0.01).difference(ours, expected) is None
