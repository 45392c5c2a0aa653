"""One small scene in every format of annotations that people have, and what it shows."""

import base64
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ('leaf', 'snow board')
SIZES = dict(a=(40, 50), b=(30, 60))
# (image, class, x1, y1, x2, y2); boxes of whole pixels are the same in all formats.
OBJECTS = (
    ('a', 'leaf', 5, 4, 20, 14),
    ('a', 'snow board', 30, 10, 45, 30),
    ('b', 'leaf', 2, 2, 10, 10),
    ('b', 'leaf', 20, 5, 40, 25),
)
COLOURS = {'leaf': (0, 128, 0), 'snow board': (192, 128, 64)}


def expected(image: str, class_name: str) -> np.ndarray:
    """(H, W) uint8: 1 where the class is."""
    mask = np.zeros(SIZES[image], np.uint8)
    for name, of_class, x1, y1, x2, y2 in OBJECTS:
        if (name, of_class) == (image, class_name):
            mask[y1:y2, x1:x2] = 1
    return mask


def corners(x1: int, y1: int, x2: int, y2: int) -> list[list[int]]:
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


def write_images(folder: Path, suffix: str = '.jpg') -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, size) in enumerate(SIZES.items()):
        noise = np.random.default_rng(number).integers(0, 255, (*size, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f'{name}{suffix}')


def labelme(folder: Path, kind: str = 'polygon') -> Path:
    """A json beside each image."""
    write_images(folder)
    for image, (height, width) in SIZES.items():
        shapes = [labelme_shape(kind, name, box) for each, name, *box in OBJECTS if each == image]
        content = dict(
            version='5.4.1',
            flags={},
            shapes=shapes,
            imagePath=f'{image}.jpg',
            imageData=None,
            imageHeight=height,
            imageWidth=width,
        )
        (folder / f'{image}.json').write_text(json.dumps(content))
    return folder


def labelme_shape(kind: str, name: str, box: list[int]) -> dict:
    x1, y1, x2, y2 = box
    shape = dict(label=name, shape_type=kind, group_id=None, flags={}, description='')
    if kind == 'polygon':
        return dict(shape, points=corners(*box))
    if kind == 'rectangle':
        return dict(shape, points=[[x2, y1], [x1, y2]])
    buffer = BytesIO()
    Image.fromarray(np.full((y2 - y1, x2 - x1), 1, np.uint8) * 255).convert('1').save(buffer, 'PNG')
    text = base64.b64encode(buffer.getvalue()).decode()
    return dict(shape, points=[[x1, y1], [x2 - 1, y2 - 1]], mask=text)


def coco(folder: Path, kind: str = 'polygon') -> Path:
    """annotations/instances_default.json and images/."""
    write_images(folder / 'images')
    (folder / 'annotations').mkdir()
    numbers = {name: number for number, name in enumerate(SIZES, start=7)}
    images = [
        dict(id=numbers[name], file_name=f'{name}.jpg', height=size[0], width=size[1])
        for name, size in SIZES.items()
    ]
    annotations = []
    for number, (image, name, *box) in enumerate(OBJECTS, start=1):
        x1, y1, x2, y2 = box
        mask = np.zeros(SIZES[image], np.uint8)
        mask[y1:y2, x1:x2] = 1
        segmentation = {
            'polygon': [np.ravel(corners(*box)).tolist()],
            'rle': run_lengths(mask),
            'box': [],
        }[kind]
        annotations.append(
            dict(
                id=number,
                image_id=numbers[image],
                category_id=CLASSES.index(name) + 3,
                segmentation=segmentation,
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=0,
            )
        )
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=number, name=name) for number, name in enumerate(CLASSES, start=3)],
    )
    (folder / 'annotations/instances_default.json').write_text(json.dumps(content))
    return folder


def run_lengths(mask: np.ndarray) -> dict:
    """COCO's run-length code, column by column, uncompressed."""
    column = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(column)) + 1
    counts = np.diff([0, *edges, column.size]).tolist()
    return dict(size=list(mask.shape), counts=[0, *counts] if column[0] else counts)


def yolo(folder: Path, kind: str = 'polygon') -> Path:
    """data.yaml, images/train and labels/train."""
    write_images(folder / 'images/train')
    (folder / 'labels/train').mkdir(parents=True)
    for image, (height, width) in SIZES.items():
        lines = []
        for each, name, x1, y1, x2, y2 in OBJECTS:
            if each != image:
                continue
            outline = np.ravel(corners(x1, y1, x2, y2))
            box = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
            numbers = np.array(outline if kind == 'polygon' else box, float)
            numbers[::2] /= width
            numbers[1::2] /= height
            words = ' '.join(f'{number:.8f}' for number in numbers)
            lines.append(f'{CLASSES.index(name)} {words}\n')
        (folder / f'labels/train/{image}.txt').write_text(''.join(lines))
    names = ''.join(f'  {number}: {name}\n' for number, name in enumerate(CLASSES))
    (folder / 'data.yaml').write_text(f'path: .\ntrain: images/train\nnames:\n{names}')
    return folder


def cvat(folder: Path, kind: str = 'polygon') -> Path:
    """annotations.xml and images/."""
    write_images(folder / 'images')
    labels = ''.join(f'<label><name>{name}</name></label>' for name in CLASSES)
    text = f'<annotations><version>1.1</version><meta><task><labels>{labels}</labels></task></meta>'
    for number, (image, (height, width)) in enumerate(SIZES.items()):
        text += f'<image id="{number}" name="{image}.jpg" width="{width}" height="{height}">'
        text += ''.join(
            cvat_shape(kind, name, box) for each, name, *box in OBJECTS if each == image
        )
        text += '</image>'
    (folder / 'annotations.xml').write_text(f'<?xml version="1.0"?>\n{text}</annotations>')
    return folder


def cvat_shape(kind: str, name: str, box: list[int]) -> str:
    x1, y1, x2, y2 = box
    common = f'label="{name}" source="manual" occluded="0" z_order="0"'
    if kind == 'polygon':
        points = ';'.join(f'{x:.2f},{y:.2f}' for x, y in corners(*box))
        return f'<polygon {common} points="{points}"></polygon>'
    if kind == 'box':
        return f'<box {common} xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"></box>'
    place = f'left="{x1 - 1}" top="{y1}" width="{x2 - x1 + 1}" height="{y2 - y1}"'
    runs = ', '.join(['1', str(x2 - x1)] * (y2 - y1))  # the first column is none of it
    return f'<mask {common} rle="{runs}" {place}></mask>'


def label_maps(folder: Path, kind: str = 'values') -> Path:
    """images/ with masks/ and classes.txt, or JPEGImages/ with SegmentationClass/ in colours."""
    coloured = kind == 'colours'
    write_images(folder / ('JPEGImages' if coloured else 'images'))
    masks = folder / ('SegmentationClass' if coloured else 'masks')
    masks.mkdir()
    for image, size in SIZES.items():
        labels = np.zeros(size, np.uint8)
        for number, name in enumerate(CLASSES, start=1):
            labels[expected(image, name) > 0] = number
        palette = np.array([(0, 0, 0), *COLOURS.values()], np.uint8)
        Image.fromarray(palette[labels] if coloured else labels).save(masks / f'{image}.png')
    if coloured:
        lines = ['# label:color_rgb:parts:actions', 'background:0,0,0::']
        lines += [f'{name}:{",".join(map(str, c))}::' for name, c in COLOURS.items()]
        (folder / 'labelmap.txt').write_text('\n'.join(lines))
    else:
        (folder / 'classes.txt').write_text('background\nleaf\nsnow board\n')
    return folder


def class_folders(folder: Path, kind: str = 'png') -> Path:
    """<class>/<n>.jpg with <n>.png, or with <n>.json of LabelMe."""
    loose = labelme(folder.parent / f'{folder.name}_loose')
    for image, name in dict.fromkeys((image, name) for image, name, *_ in OBJECTS):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f'{image}.jpg').write_bytes((loose / f'{image}.jpg').read_bytes())
        if kind == 'json':
            (folder / name / f'{image}.json').write_bytes((loose / f'{image}.json').read_bytes())
        else:
            Image.fromarray(expected(image, name) * 255).save(folder / name / f'{image}.png')
    return folder


FORMATS = [
    *(('LabelMe', labelme, kind) for kind in ('polygon', 'rectangle', 'mask')),
    *(('COCO json', coco, kind) for kind in ('polygon', 'rle', 'box')),
    *(('YOLO', yolo, kind) for kind in ('polygon', 'box')),
    *(('CVAT for images', cvat, kind) for kind in ('polygon', 'box', 'mask')),
    *(('label maps', label_maps, kind) for kind in ('values', 'colours')),
    *(('class folders', class_folders, kind) for kind in ('png', 'json')),
]
"""Name, function that writes it into a new folder, and kind of its shapes."""
