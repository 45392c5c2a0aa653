"""Annotations in COCO's instance format."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from mmfewshot_seg.annotations.annotated_image import AnnotationSet
from mmfewshot_seg.annotations.drawn_image import DrawnImage, describe_shapes
from mmfewshot_seg.annotations.image_places import check_there, folder_of_images, plain
from mmfewshot_seg.annotations.shapes import Shape
from mmfewshot_seg.datasets.sources.coco_faults import NO_MASK, CocoFault
from mmfewshot_seg.datasets.sources.coco_json import read_coco_json
from mmfewshot_seg.datasets.sources.coco_segmentation import (
    check_crowd,
    check_segmentation,
    has_mask,
)
from mmfewshot_seg.structures.labels import IGNORED

FORMAT = 'COCO json'


def read_coco(path: str | Path, img_dir: str | Path | None = None) -> AnnotationSet:
    """Annotations of a json: polygons and run-length codes; crowds are 255.

    Objects that have a box alone are boxes.

    Args:
        path: The file.
        img_dir: Folder of its images; None: it is looked for near the file.

    Raises:
        FileNotFoundError: If there is no such file, or images are missing.
        ValueError: If the file has a fault, naming the entry and the cure.
    """
    path = Path(path)
    content = read_coco_json(path)
    categories = {entry['id']: entry['name'] for entry in content['categories']}
    entries = {entry['id']: entry for entry in content['images']}
    shapes = defaultdict(list)
    for number, annotation in enumerate(content['annotations']):
        image = entries[annotation['image_id']]
        what = f'annotation {annotation.get("id", number)}'
        try:
            shape = _shape(what, annotation, image, categories)
        except CocoFault as fault:
            raise ValueError(f'{path}: {fault}') from fault
        shapes[image['id']].append(shape)
    files = [entry['file_name'] for entry in content['images']]
    folder = folder_of_images(files, _places(path), str(path), img_dir)
    check_there((plain(folder, name) for name in files), str(path))
    images = tuple(
        DrawnImage(
            str(plain(folder, entry['file_name'])),
            str(path),
            tuple(sorted(shapes[entry['id']], key=lambda shape: shape.value != IGNORED)),
            (entry['height'], entry['width']),
            is_layered=False,
        )
        for entry in content['images']
    )
    return AnnotationSet(
        FORMAT, str(path), tuple(categories.values()), images, describe_shapes(images)
    )


def is_coco(content: object) -> bool:
    """Whether the content of a json is meant to be COCO's."""
    return isinstance(content, dict) and {'images', 'annotations'} <= content.keys()


def _shape(what: str, annotation: Mapping, image: Mapping, categories: Mapping) -> Shape:
    """Shape of an annotation.

    Raises:
        CocoFault: If it has neither mask nor box.
    """
    name = categories[annotation['category_id']]
    segmentation, box = annotation.get('segmentation') or [], annotation.get('bbox')
    value = IGNORED if check_crowd(what, annotation) else 1
    named = f'{what}, a {name}, of {image["file_name"]}'
    check_segmentation(what, segmentation, image)
    if has_mask(segmentation):
        return Shape('segmentation', segmentation, value, named, class_name=name)
    if not isinstance(box, list) or len(box) != 4 or not all(type(x) in (int, float) for x in box):
        raise CocoFault(
            NO_MASK, f'{what} has neither a polygon of three points nor a box: {segmentation!r:.80}'
        )
    corners = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    return Shape('box', corners, value, named, class_name=name)


def _places(path: Path) -> list[Path]:
    """Folders in which the images of a json mostly lie."""
    split = path.stem.rpartition('_')[2]
    near = [path.parent, path.parent.parent]
    below = ('', 'images', split, f'images/{split}', f'{split}/images', 'img', 'JPEGImages')
    return [folder / name for folder in near for name in below]
