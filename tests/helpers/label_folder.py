"""Images with a class for every pixel, in the layout of CamVid."""

from pathlib import Path

import numpy as np
from PIL import Image


def draw_labelled(
    image: Path, label: Path, classes: int, void: int = 255, size: tuple[int, int] = (96, 96)
) -> None:
    """An image of squares of 1/8 of its sides, and a label map of every class; a column is void."""
    values = np.random.default_rng(0).permutation(np.arange(64) % classes).reshape(8, 8)
    values = values.astype(np.uint8).repeat(size[0] // 8, 0).repeat(size[1] // 8, 1)
    values[:, :4] = void
    for path, content in ((image, values * 2), (label, values)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(content).convert('RGB' if path == image else 'L').save(path)


def draw_label_folder(root: Path, classes: int, **options) -> None:
    """Two images to train on and two to validate on."""
    for split in ('train', 'val'):
        for n in range(2):
            label = root / f'ann_dir/{split}/{n}.png'
            draw_labelled(root / f'img_dir/{split}/{n}.jpg', label, classes, **options)
