"""A folder of classes, drawn in milliseconds."""

from pathlib import Path

import cv2
import numpy as np

CLASSES = ('disc', 'ring', 'square')


def draw_class_folder(root: Path, num_images: int = 3) -> None:
    """Write ``<root>/<class>/<n>.jpg`` and ``.png``: bright shapes on dark noise, 50 x 60."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for number in range(num_images):
            mask = np.zeros((50, 60), np.uint8)
            centre = (20 + 5 * number % 20, 25)
            if name == 'square':
                cv2.rectangle(mask, centre, (centre[0] + 15, 40), 255, -1)
            else:
                cv2.circle(mask, centre, 12, 255, -1 if name == 'disc' else 4)
            image = rng.integers(0, 100, (50, 60, 3), dtype=np.uint8)
            image[mask > 0] += 120
            cv2.imwrite(str(root / name / f'{number}.jpg'), image)
            cv2.imwrite(str(root / name / f'{number}.png'), mask)
