"""COCO-format data with polygons, RLE and an image without objects."""

import json
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

CLASSES = ('square', 'triangle')
SIDE = 96


def draw_coco_folder(root: Path, num_images: int = 4, splits: tuple = ('train', 'val')) -> None:
    """Squares as polygons, triangles as RLE; the last image of a split is empty.

    The layout is that of ``_base_/datasets/own_coco.py``.
    """
    (root / 'annotations').mkdir(parents=True)
    for number, split in enumerate(splits):
        (root / split).mkdir()
        images, annotations = [], []
        for i in range(num_images):
            picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
            images.append(dict(id=i, file_name=f'{i}.png', height=SIDE, width=SIDE))
            if i < num_images - 1:
                x, y = 4 + 5 * i, 8 + 3 * number
                square = np.array([[x, y], [x + 40, y], [x + 40, y + 40], [x, y + 40]])
                triangle = np.array([[x + 50, y + 70], [x + 20, y + 70], [x + 35, y + 45]])
                cv2.fillPoly(picture, [square], (0, 160, 255))
                cv2.fillPoly(picture, [triangle], (255, 160, 0))
                mask = cv2.fillPoly(np.zeros((SIDE, SIDE), np.uint8), [triangle], 1)
                rle = coco_mask.encode(np.asfortranarray(mask))
                rle['counts'] = rle['counts'].decode()
                masks = [[square.flatten().tolist()], rle]
                boxes = [[x, y, 40, 40], [x + 20, y + 45, 31, 26]]
                annotations += [
                    dict(
                        id=10 * i + category,
                        image_id=i,
                        category_id=category,
                        bbox=box,
                        area=box[2] * box[3],
                        segmentation=mask,
                        iscrowd=0,
                    )
                    for category, (mask, box) in enumerate(zip(masks, boxes, strict=True), start=1)
                ]
            cv2.imwrite(str(root / split / f'{i}.png'), picture)
        content = dict(
            images=images,
            annotations=annotations,
            categories=[dict(id=n, name=name) for n, name in enumerate(CLASSES, start=1)],
        )
        (root / 'annotations' / f'instances_{split}.json').write_text(json.dumps(content))
