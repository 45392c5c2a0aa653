"""A COCO json whose categories are in no useful order, with objects on a grid."""

import json
from pathlib import Path

CATEGORIES = {30: 'zebra', 2: 'traffic light', 14: 'cat', 9: 'dog', 4: 'boat', 21: 'sofa'}
SPLIT = dict(seen=['cat', 'zebra', 'traffic light'], unseen=['dog', 'boat'])
# category ids of the objects of every image, negative for crowds; sofa is in neither list
IMAGES = {
    1: [30, 14],
    2: [14, 9],
    3: [9, 4, 4, -9],
    4: [],
    5: [21],
    6: [2, -14, 21],
    7: [30, -4],
}
SIDE = 64


def zeroshot_json(path: Path, images: dict | None = None) -> str:
    """Write it and give its path."""
    images = IMAGES if images is None else images
    annotations = []
    for image_id, objects in images.items():
        for number, category in enumerate(objects):
            x, y = 2 + 15 * number, 3 + 5 * image_id
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=abs(category),
                    iscrowd=int(category < 0),
                    bbox=[x, y, 12, 10],
                    area=120,
                    segmentation=[[x, y, x + 12, y, x + 12, y + 10, x, y + 10]],
                )
            )
    content = dict(
        info=dict(year=2014),
        images=[dict(id=i, file_name=f'{i}.jpg', height=SIDE, width=SIDE) for i in images],
        categories=[dict(id=i, name=name) for i, name in CATEGORIES.items()],
        annotations=annotations,
    )
    path.write_text(json.dumps(content))
    return str(path)
