"""Masks on hand-made images: those that fit, those that do not, and those that cannot be judged."""

import math

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmfewshot_seg.apis.mask_fit import LEAST_FIT, inner_agreement, mask_fit, outline_contrast


def _ellipse(centre=(60, 75), axes=(30, 45)) -> np.ndarray:
    return cv2.ellipse(np.zeros((150, 150), np.uint8), centre, axes, 20, 0, 360, 1, -1)


def _image(mask: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 60, (*mask.shape, 3))
    return (noise + 120 * mask[..., None]).astype(np.uint8)


def _features(mask: np.ndarray) -> torch.Tensor:
    small = cv2.resize(mask.astype(np.float32), (28, 28), interpolation=cv2.INTER_AREA)
    noise = torch.randn(16, 28, 28, generator=torch.Generator().manual_seed(0))
    noise[:2] = 8 * torch.from_numpy(np.stack([small, 1 - small]))
    return F.normalize(noise, dim=0)


def test_a_mask_fits_its_image_and_no_other() -> None:
    own, other = _ellipse(), _ellipse((95, 70), (40, 20))
    image, features = _image(own), _features(own)
    assert mask_fit(image, own, features) > LEAST_FIT + 1
    assert mask_fit(image, other, features) < LEAST_FIT - 1


def test_the_two_parts_by_themselves() -> None:
    own, other = _ellipse(), _ellipse((95, 70), (40, 20))
    assert outline_contrast(_image(own), own) > 1
    assert abs(outline_contrast(_image(np.zeros_like(own)), own)) < 0.1
    assert inner_agreement(_features(own), own) > 0.99
    assert inner_agreement(_features(own), other) < 0.9
    assert inner_agreement(_features(own), 1 - own) == pytest.approx(
        inner_agreement(_features(own), own), abs=1e-3
    )


def test_agreement_by_a_slow_form() -> None:
    torch.manual_seed(0)
    features = F.normalize(torch.randn(4, 6, 6), dim=0)
    label = np.zeros((6, 6), np.uint8)
    label[2:5, 1:4] = 1
    label[0, 0] = 255
    places = [(y, x) for y in range(6) for x in range(6)]
    scores = {}
    for y, x in places:
        sums = {0: 0.0, 1: 0.0, 255: 0.0}
        for v, u in places:
            if max(abs(v - y), abs(u - x)) > 1:
                cosine = float(features[:, y, x] @ features[:, v, u])
                sums[label[v, u]] += math.exp((cosine - 1) / 0.05)
        scores[y, x] = math.log(sums[1]) - math.log(sums[0])
    inside = [scores[p] for p in places if label[p] == 1]
    outside = [scores[p] for p in places if label[p] == 0]
    area = np.mean([a > b for a in inside for b in outside])
    assert inner_agreement(features, label) == pytest.approx(area, abs=1e-4)


@pytest.mark.parametrize('kind', ['box', 'scribbles', 'everything'])
def test_labels_without_an_outline_of_a_thing_are_not_judged(kind) -> None:
    label = np.full((150, 150), 255 if kind == 'scribbles' else int(kind == 'everything'), np.uint8)
    if kind == 'box':
        label[40:90, 30:80] = 1
    if kind == 'scribbles':
        cv2.line(label, (30, 30), (60, 80), 1, 3)
        cv2.line(label, (100, 100), (140, 90), 0, 3)
    mask = _ellipse()
    assert math.isnan(mask_fit(_image(mask), label, _features(mask)))


def test_padding_is_no_outline() -> None:
    own = _ellipse()
    image, padded = (
        np.pad(_image(own), ((0, 50), (0, 0), (0, 0))),
        np.pad(own, ((0, 50), (0, 0)), constant_values=255),
    )
    assert outline_contrast(image, padded) > 0.5
