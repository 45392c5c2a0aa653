"""The one reader of annotations: recognises the format by what is there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mmfewshot_seg.annotations.annotated_image import AnnotationSet, alike_names, some
from mmfewshot_seg.annotations.coco import FORMAT as COCO
from mmfewshot_seg.annotations.coco import is_coco, read_coco
from mmfewshot_seg.annotations.cvat import FORMAT as CVAT
from mmfewshot_seg.annotations.cvat import is_cvat, read_cvat
from mmfewshot_seg.annotations.labelme import FORMAT as LABELME
from mmfewshot_seg.annotations.labelme import is_labelme, read_labelme_folder
from mmfewshot_seg.annotations.mask_folders import (
    CLASS_FOLDERS,
    LABEL_MAPS,
    find_label_maps,
    read_class_folders,
    read_label_maps,
)
from mmfewshot_seg.annotations.yolo import find_yolo, read_yolo
from mmfewshot_seg.datasets.sources.coco_json import read_json
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES
from mmfewshot_seg.datasets.sources.masks import Value

# What the options are for; YOLO has none.
_OPTIONS = {
    CLASS_FOLDERS: ('mask_suffix', 'mask_threshold', 'mask_value'),
    LABEL_MAPS: ('mask_suffix', 'class_values'),
    LABELME: ('img_dir',),
    COCO: ('img_dir',),
    CVAT: ('img_dir',),
}
ACCEPTED = (
    'a COCO json; a json or a folder of LabelMe; data.yaml or a folder of YOLO; the XML of "CVAT '
    'for images", or its folder; a folder of images with label maps and classes.txt; or a folder '
    'of class folders with <n>.jpg and <n>.png'
)


def read_annotations(
    path: str | Path,
    mask_suffix: str | None = None,
    mask_threshold: float | None = None,
    mask_value: Value | None = None,
    class_values: Mapping[str, Value] | None = None,
    img_dir: str | Path | None = None,
) -> AnnotationSet:
    """Read annotations of any format; which one it is, is seen from what is there.

    Args:
        path: A file or folder:

            * a folder of class folders with images and masks, see :func:`read_class_folders`;
            * a json of LabelMe, or a folder of them beside their images, see :func:`read_labelme`;
            * a json in COCO's instance format, or a folder with one, see :func:`read_coco`;
            * ``data.yaml`` of YOLO, or a folder of its texts, see :func:`read_yolo`;
            * the XML of "CVAT for images", or a folder with it, see :func:`read_cvat`;
            * a folder of images with label maps of several classes, see :func:`read_label_maps`.
        mask_suffix: In class folders and beside images how the name of a mask goes on after the
            stem of its image. None: as is usual.
        mask_threshold: Grey value from which on a pixel of a mask is of the class, in class
            folders.
        mask_value: Value, or RGB colour, of the class in masks of several, in class folders.
        class_values: Value, or RGB colour, of each class in label maps. None: a file says it.
        img_dir: Folder of the images of LabelMe, COCO or CVAT. None: they are looked for.

    Raises:
        FileNotFoundError: If there is no such file or folder, or images are missing.
        ValueError: If the format is not known or has no use for an option, or something is broken:
            file, entry and what is accepted.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist')
    read = _read(path, mask_suffix, mask_threshold, mask_value, class_values, img_dir)
    options = dict(
        mask_suffix=mask_suffix,
        mask_threshold=mask_threshold,
        mask_value=mask_value,
        class_values=class_values,
        img_dir=img_dir,
    )
    used = _OPTIONS.get(read.format, ())
    if idle := [name for name, value in options.items() if value is not None and name not in used]:
        raise ValueError(
            f'{path} is read as {read.format}, for which {" and ".join(idle)} would do nothing: '
            'leave it out, or name another file or folder'
        )
    notes = *read.notes, *alike_names(read.class_names), *_annotated_twice(read)
    return replace(read, notes=notes)


def _annotated_twice(annotations: AnnotationSet) -> tuple[str, ...]:
    """A note on images that come more than once, each time without what is marked the other."""
    counts = Counter(image.path for image in annotations.images)
    if several := [path for path, number in counts.items() if number > 1]:
        return (
            f'{len(several)} images are annotated more than once, and each annotation counts as an '
            f'image of its own: {some(several, 3)}',
        )
    return ()


def _read(
    path: Path,
    mask_suffix: str | None,
    mask_threshold: float | None,
    mask_value: Value | None,
    class_values: Mapping[str, Value] | None,
    img_dir: str | Path | None,
) -> AnnotationSet:
    if class_values is not None and path.is_dir():
        return read_label_maps(path, mask_suffix, class_values)
    if path.is_file():
        return _read_file(path, img_dir)
    if find_yolo(path):
        return read_yolo(path)
    if xml := [file for file in _files(path, '.xml') if is_cvat(file)]:
        return read_cvat(_the_one(path, xml), img_dir)
    jsons = _jsons(path)
    if jsons['LabelMe']:
        if jsons['COCO']:
            raise ValueError(
                f'{path} has jsons of COCO, {jsons["COCO"][0].name}, and of LabelMe, '
                f'{jsons["LabelMe"][0].name}: name the file, or part them'
            )
        return read_labelme_folder(path, jsons['LabelMe'], img_dir)
    if jsons['COCO']:
        return read_coco(_the_one(path, jsons['COCO']), img_dir)
    if nested := sorted(path.glob('*/*.coco.json')):  # as Roboflow exports its splits
        return read_coco(_the_one(path, nested), img_dir)
    if find_label_maps(path, mask_suffix):
        return read_label_maps(path, mask_suffix)
    if not any(entry.is_dir() and not entry.name.startswith('.') for entry in path.iterdir()):
        there = sorted({entry.suffix.lower() or entry.name for entry in path.iterdir()})
        raise ValueError(
            f'{path} holds no annotations; there are {some(there) or "no files"}. Accepted are '
            f'{ACCEPTED}'
        )
    return read_class_folders(path, mask_suffix, mask_threshold, mask_value)


def _read_file(path: Path, img_dir: str | Path | None) -> AnnotationSet:
    suffix = path.suffix.lower()
    if suffix == '.json':
        content = read_json(path)
        if is_labelme(content):
            return read_labelme_folder(path, [path], img_dir)
        if is_coco(content):
            return read_coco(path, img_dir)
        keys = some(sorted(map(str, content))) if isinstance(content, dict) else 'no object'
        raise ValueError(
            f'{path} is no json of COCO (images, annotations, categories) or LabelMe (shapes): it '
            f'has {keys}'
        )
    if suffix == '.xml':
        if is_cvat(path):
            return read_cvat(path, img_dir)
        raise ValueError(f"{path} is not CVAT's: export it as 'CVAT for images 1.1'")
    if suffix in ('.yaml', '.yml'):
        return read_yolo(path)
    if suffix in IMAGE_SUFFIXES:
        raise ValueError(f'{path} is an image: give a mask and a class name for it as well')
    hint = 'Unpack it. ' if suffix in ('.zip', '.tar', '.gz', '.7z', '.rar') else ''
    raise ValueError(f'{path} is no annotation that is known. {hint}Accepted are {ACCEPTED}')


def _files(folder: Path, suffix: str) -> list[Path]:
    """Files of a folder, or else of ``annotations`` in it."""
    for place in (folder, folder / 'annotations', folder / 'Annotations'):
        if place.is_dir():
            found = sorted(
                path
                for path in place.iterdir()
                if path.suffix.lower() == suffix and not path.name.startswith('.')
            )
            if found:
                return found
    return []


def _jsons(folder: Path) -> dict[str, list[Path]]:
    """Jsons of a folder by what they are; from the first of LabelMe on all are taken for these."""
    found: dict[str, list[Path]] = {'LabelMe': [], 'COCO': []}
    files = _files(folder, '.json')
    for number, path in enumerate(files):
        content = read_json(path)
        if is_labelme(content):
            found['LabelMe'] = files[number:]
            break
        if is_coco(content):
            found['COCO'].append(path)
    return found


def _the_one(folder: Path, files: list[Path]) -> Path:
    if len(files) > 1:
        names = some(str(path.relative_to(folder)) for path in files)
        raise ValueError(f'{folder} has {len(files)} files of annotations: {names}; name one')
    return files[0]
