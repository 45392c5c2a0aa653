"""Crop, blur and resize of images with their labels, and the host's transforms beside them."""

import cv2
import numpy as np
import pytest
from mmcv.transforms import Pad
from mmengine.dataset import Compose

from mmfewshot_seg.datasets.transforms import (
    RandomCropKeepForeground,
    RandomGaussianBlur,
    ResizeLongSide,
)


def image_sample(height=40, width=60, box=(slice(4, 14), slice(40, 50))):
    """The first channel of the image is its label, times 50."""
    label = np.zeros((height, width), np.uint8)
    label[box] = 1
    image = np.repeat(label[..., None] * 50, 3, axis=2)
    return dict(
        img=image,
        gt_seg_map=label,
        seg_fields=['gt_seg_map'],
        img_shape=(height, width),
        ori_shape=(height, width),
    )


def test_crop_keeps_the_foreground():
    crop = RandomCropKeepForeground(24)
    plain = RandomCropKeepForeground(24, max_redraws=0)
    np.random.seed(0)
    kept = [np.count_nonzero(crop(image_sample())['gt_seg_map']) for _ in range(200)]
    lost = [np.count_nonzero(plain(image_sample())['gt_seg_map']) for _ in range(200)]
    assert np.mean(np.array(kept) >= 85) > 0.95
    assert np.mean(np.array(lost) >= 85) < 0.5


def test_crop_cuts_image_and_label_alike():
    np.random.seed(1)
    for _ in range(20):
        cut = RandomCropKeepForeground((20, 30))(image_sample())
        assert cut['img'].shape == (20, 30, 3) and cut['img_shape'] == (20, 30)
        assert (cut['img'][..., 0] == cut['gt_seg_map'] * 50).all()


def test_crop_counts_ways_and_not_the_ignored():
    sample = image_sample()
    sample['gt_seg_map'][:] = 255
    sample['gt_seg_map'][0, 0] = 3
    crop, found = RandomCropKeepForeground(20, max_redraws=500), []
    for seed in range(5):
        np.random.seed(seed)
        found.append(3 in crop({**sample})['gt_seg_map'])
    assert sum(found) >= 2


def test_crop_redraws_as_often_as_told(monkeypatch):
    draws = []
    crop = RandomCropKeepForeground(8, max_redraws=31)
    monkeypatch.setattr(crop, 'crop', lambda image, box: draws.append(box) or image[:0])
    crop.crop_bbox(image_sample())
    assert len(draws) == 32


def test_small_image_is_padded_and_cropped():
    sample = Pad(size=(48, 50), pad_val=dict(img=7, seg=255))(image_sample())
    cut = RandomCropKeepForeground((50, 48))(sample)
    assert cut['img'].shape == (50, 48, 3)
    assert (cut['gt_seg_map'][40:] == 255).all() and (cut['img'][40:] == 7).all()


def test_blur():
    sample = image_sample()
    image = sample['img'].copy()
    blurred = RandomGaussianBlur(prob=1.0)({**sample})
    kernel = cv2.getGaussianKernel(5, 0)
    expected = cv2.filter2D(image.astype(np.float64), -1, kernel @ kernel.T)
    assert np.abs(blurred['img'] - expected).max() <= 1
    assert (blurred['gt_seg_map'] == sample['gt_seg_map']).all()
    assert (RandomGaussianBlur(prob=0.0)({**sample})['img'] == image).all()
    np.random.seed(0)
    half = [(RandomGaussianBlur()({**sample})['img'] != image).any() for _ in range(400)]
    assert 160 < sum(half) < 240


def test_blur_by_a_given_deviation():
    sample = image_sample()
    images = {}
    for sigma in ((0.3, 0.3), (1.2, 1.2), (0.3, 1.2)):
        np.random.seed(1)
        images[sigma] = RandomGaussianBlur(11, prob=1.0, sigma=sigma)({**sample})['img']
        if sigma[0] == sigma[1]:
            expected = cv2.GaussianBlur(sample['img'], (11, 11), sigma[0])
            assert (images[sigma] == expected).all()
    drawn = images.pop((0.3, 1.2))
    assert all((drawn != image).any() for image in images.values())


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((375, 500), (352, 472)),  # 354.75 -> 352
        ((500, 333), (472, 312)),  # 315.02 -> 312
        ((473, 473), (472, 472)),
        ((100, 100), (472, 472)),
        ((3, 900), (8, 472)),
    ],
)
def test_long_side(size, expected):
    sample = ResizeLongSide(473)(image_sample(*size))
    assert sample['img'].shape[:2] == sample['gt_seg_map'].shape == expected
    assert sample['img_shape'] == expected
    padded = Pad(size=(473, 473))(sample)
    assert padded['img'].shape == (473, 473, 3)
    assert (padded['gt_seg_map'][expected[0] :] == 255).all()
    assert not padded['img'][:, expected[1] :].any()


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: RandomCropKeepForeground(8, min_foreground=85), 'from 0 to 1, got 85'),
        (lambda: RandomGaussianBlur(4), 'odd and positive, got 4'),
        (lambda: RandomGaussianBlur(prob=2), 'from 0 to 1, got 2'),
        (lambda: RandomGaussianBlur(sigma=(2, 1)), r'positive number, got \(2, 1\)'),
        (lambda: ResizeLongSide(4, divisor=8), 'from 1 to long_side=4, got 8'),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_transforms_of_the_host_move_the_label_with_the_image():
    pipeline = Compose(
        [
            dict(
                type='RandomResize',
                scale=(60, 40),
                ratio_range=(0.9, 1.1),
                keep_ratio=True,
                resize_type='mmseg.Resize',
                interpolation='nearest',
            ),
            dict(type='mmseg.RandomRotate', prob=1.0, degree=10, pad_val=(104, 116, 124)),
            dict(type='mmfewshot_seg.RandomGaussianBlur', prob=0.0),
            dict(type='mmseg.RandomFlip', prob=0.5),
            dict(type='Pad', size=(41, 41), pad_val=dict(img=(104, 116, 124), seg=255)),
            dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=(41, 41)),
        ]
    )
    np.random.seed(0)
    for _ in range(20):
        sample = pipeline(image_sample())
        assert sample['img'].shape == (41, 41, 3)
        known = sample['gt_seg_map'] != 255
        exact = sample['img'][..., 0][known] == sample['gt_seg_map'][known] * 50
        assert exact.mean() > 0.9  # the image is rotated bilinearly, the label is not
        assert (sample['gt_seg_map'] == 1).any()
