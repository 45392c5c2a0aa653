"""Drawn data sets on disk; `layout.README` describes the files."""

import json
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import print_log
from mmengine.utils import track_iter_progress
from numpy.random import RandomState
from pycocotools import mask as coco_mask

from mmfewshot_seg.datasets.drawn.classes import CLASSES
from mmfewshot_seg.datasets.drawn.layout import SPLITS, coco_categories, write_descriptions
from mmfewshot_seg.datasets.drawn.scene import MAX_OBJECTS, Scene, draw_scene
from mmfewshot_seg.files.whole_file import whole_folder

_FORMAT = 4  # raise it when the same settings would give other files
_SETTINGS = 'settings.json'
_MIN_SIZE = 64  # an object of 1 % still has 40 pixels
_FEW_SHOT = [[i for i, c in enumerate(CLASSES) if c.novel is novel] for novel in (False, True)]
_ZERO_SHOT = [[i for i, c in enumerate(CLASSES) if c.unseen is unseen] for unseen in (False, True)]
# of which groups of classes objects are drawn, equally often: in training, in a test
_GROUPS = {
    'base': dict(train=_FEW_SHOT[:1], test=_FEW_SHOT),
    'seen': dict(train=_ZERO_SHOT[:1], test=_ZERO_SHOT),
    'all': dict(train=_FEW_SHOT, test=_FEW_SHOT),
}


def draw_dataset(
    out_dir: str | Path,
    num_train: int = 600,
    num_test: int = 200,
    size: int | tuple[int, int] = 160,
    seed: int = 0,
    train_classes: str = 'base',
    max_objects: int = MAX_OBJECTS,
) -> Path:
    """Draw a data set of textured shapes, or keep the one that is there with the same settings.

    Image i of a split does not depend on how many are drawn. The folder appears when all of it
    is written.

    Args:
        out_dir: Folder to make; its parents are made as well.
        num_train: Images to train on.
        num_test: Images to test on.
        size: Height and width in pixels, one number if they are equal; each at least 64.
        seed: Any integer from 0 to 2**32 - 1.
        train_classes: ``'base'``: no novel class in the training images, for few-shot training;
            ``'seen'``: no unseen class, for zero-shot training; ``'all'``: as in the test images.
        max_objects: The most objects of an image, 1 to 6. With 1 none is covered in part.

    Returns:
        ``out_dir``.

    Raises:
        ValueError: If an argument is out of range.
        FileExistsError: If ``out_dir`` holds anything else than this data set.
    """
    height, width = (size, size) if isinstance(size, int) else size
    settings = dict(
        num_train=num_train,
        num_test=num_test,
        size=[height, width],
        seed=seed,
        train_classes=train_classes,
        max_objects=max_objects,
        format=_FORMAT,
    )
    _check_settings(settings)
    out_dir = Path(out_dir)
    if _is_drawn(out_dir, settings):
        return out_dir

    try:
        with whole_folder(out_dir) as folder:
            write_descriptions(folder)
            for split, num_images in zip(SPLITS, (num_train, num_test), strict=True):
                print_log(f'Drawing {num_images} {split} images for {out_dir}', 'current')
                _write_split(folder, split, num_images, settings)
            (folder / _SETTINGS).write_text(json.dumps(settings, indent=2) + '\n')
    except OSError:
        if not _is_drawn(out_dir, settings):  # unless another process has just drawn it
            raise
    return out_dir


def _check_settings(settings: dict) -> None:
    for name in ('num_train', 'num_test'):
        if settings[name] < 1:
            raise ValueError(f'{name}={settings[name]}: draw at least one image')
    if min(settings['size']) < _MIN_SIZE:
        raise ValueError(f'size={settings["size"]}: draw at least {_MIN_SIZE} pixels a side')
    if not 0 <= settings['seed'] < 2**32:
        raise ValueError(f'seed={settings["seed"]}: give an integer from 0 to 2**32 - 1')
    if settings['train_classes'] not in _GROUPS:
        raise ValueError(
            f'train_classes={settings["train_classes"]!r}: give one of {", ".join(_GROUPS)}'
        )
    if not 1 <= settings['max_objects'] <= MAX_OBJECTS:
        raise ValueError(f'max_objects={settings["max_objects"]}: give 1 to {MAX_OBJECTS}')


def _is_drawn(out_dir: Path, settings: dict) -> bool:
    """Whether ``out_dir`` is this data set; False if there is nothing.

    Raises:
        FileExistsError: If there is something else.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    cure = 'remove it or give another folder'
    try:
        found = json.loads((out_dir / _SETTINGS).read_text())
    except (OSError, ValueError):
        raise FileExistsError(f'{out_dir} exists and is not a drawn data set: {cure}') from None
    differences = [
        f'{name} {found.get(name)!r}, asked for {value!r}'
        for name, value in settings.items()
        if found.get(name) != value
    ]
    if differences:
        raise FileExistsError(
            f'{out_dir} was drawn with other settings ({"; ".join(differences)}): {cure}'
        )
    return True


def _write_split(folder: Path, split: str, num_images: int, settings: dict) -> None:
    height, width = settings['size']
    image_dir, label_dir = folder / 'images' / split, folder / 'labels' / split
    for directory in (image_dir, label_dir, folder / 'annotations'):
        directory.mkdir(parents=True, exist_ok=True)
    images: list[dict] = []
    annotations: list[dict] = []
    for i in track_iter_progress(range(num_images)):
        scene = _scene(split, i, settings)
        stem = f'{i:06d}'
        _write_image(image_dir / f'{stem}.jpg', scene.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        _write_image(label_dir / f'{stem}.png', scene.label_map, [])
        images.append(dict(id=i + 1, file_name=f'{stem}.jpg', height=height, width=width))
        for annotation in _annotations(scene):
            annotations.append(dict(id=len(annotations) + 1, image_id=i + 1, **annotation))
    content = dict(
        info=dict(description='drawn data set', split=split, settings=settings),
        images=images,
        annotations=annotations,
        categories=coco_categories(),
    )
    (folder / 'annotations' / f'instances_{split}.json').write_text(json.dumps(content))
    content['categories'] = [dict(id=1, name='object', supercategory='object')]
    content['annotations'] = [{**annotation, 'category_id': 1} for annotation in annotations]
    (folder / 'annotations' / f'objects_{split}.json').write_text(json.dumps(content))


def _scene(split: str, i: int, settings: dict) -> Scene:
    rng = RandomState([settings['seed'], SPLITS.index(split), i])
    groups = _GROUPS[settings['train_classes']][split]
    height, width = settings['size']
    return draw_scene(height, width, groups, rng, settings['max_objects'])


def _write_image(path: Path, image: np.ndarray, options: list[int]) -> None:
    if not cv2.imwrite(str(path), image, options):
        raise OSError(f'{path}: cannot write the image; is the disk full?')


def _annotations(scene: Scene) -> list[dict]:
    """COCO annotations of the objects, without their ids."""
    annotations = []
    for n, class_id in enumerate(scene.class_ids, start=1):
        rle = coco_mask.encode(np.asfortranarray(scene.instances == n, dtype=np.uint8))
        annotations.append(
            dict(
                category_id=class_id + 1,
                segmentation=dict(size=rle['size'], counts=rle['counts'].decode()),
                area=int(coco_mask.area(rle)),
                bbox=coco_mask.toBbox(rle).tolist(),
                iscrowd=0,
            )
        )
    return annotations
