"""What every drawn data set holds beside its images: names, attributes, split, description."""

from pathlib import Path

from mmfewshot_seg.datasets.drawn.classes import (
    ATTRIBUTE_NAMES,
    BASE_CLASSES,
    CLASS_NAMES,
    CLASSES,
    NOVEL_CLASSES,
    SEEN_CLASSES,
    UNSEEN_CLASSES,
    attribute_vectors,
)

SPLITS = ('train', 'test')

README = """\
Drawn data set
==============
Textured shapes on cluttered backgrounds, drawn by mmfewshot_seg.datasets.drawn (the settings are
in settings.json; the same settings give the same files).

A class is a shape in a texture; its colour follows from the two. Novel classes are combinations
of shape and texture that no base class has, made of attributes that base classes do have. Unseen
classes share one attribute with a seen class, or none; seen classes have all attributes.

images/SPLIT/NNNNNN.jpg               SPLIT is train or test
labels/SPLIT/NNNNNN.png               uint8 label map: 0 background, n the class in line n of
                                      classes.txt (lines counted from 1)
annotations/instances_SPLIT.json      COCO instances: visible masks (RLE), area, bbox, iscrowd 0;
                                      category id n is label n; file names below images/SPLIT
annotations/objects_SPLIT.json        the same objects, all of one category
classes.txt                           class names, one per line, without background
base.txt  novel.txt                   the two parts of classes.txt for few-shot tasks
seen.txt  unseen.txt                  the two parts of classes.txt for zero-shot tasks
attribute_names.txt                   shapes, then textures, then colours, one per line
attributes.txt                        a line per class: its name, then 0 or 1 per attribute
settings.json                         the settings it was drawn with

The objects of the train images are of base classes only, of seen classes only or of all classes,
as "train_classes" in settings.json says. In test images novel classes are as frequent as base
classes, or unseen ones as seen ones if "train_classes" is "seen". Each visible part covers 1 % to
40 % of its image. Fragments and lines in the background are not annotated.
"""


def write_descriptions(folder: Path) -> None:
    """Write the files that do not depend on the images into ``folder``."""
    _write_lines(folder / 'classes.txt', CLASS_NAMES)
    _write_lines(folder / 'base.txt', BASE_CLASSES)
    _write_lines(folder / 'novel.txt', NOVEL_CLASSES)
    _write_lines(folder / 'seen.txt', SEEN_CLASSES)
    _write_lines(folder / 'unseen.txt', UNSEEN_CLASSES)
    _write_lines(folder / 'attribute_names.txt', ATTRIBUTE_NAMES)
    rows = [
        ' '.join([name, *(str(int(value)) for value in vector)])
        for name, vector in zip(CLASS_NAMES, attribute_vectors(), strict=True)
    ]
    _write_lines(folder / 'attributes.txt', rows)
    (folder / 'README.txt').write_text(README)


def coco_categories() -> list[dict]:
    """COCO categories; the shape is the supercategory."""
    return [dict(id=n, name=c.name, supercategory=c.shape) for n, c in enumerate(CLASSES, start=1)]


def _write_lines(path: Path, lines: tuple[str, ...] | list[str]) -> None:
    path.write_text(''.join(f'{line}\n' for line in lines))
