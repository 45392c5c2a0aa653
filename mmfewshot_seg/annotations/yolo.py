"""Text files of YOLO: a line for each object, in shares of the image."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mmfewshot_seg.annotations.annotated_image import AnnotationSet, some
from mmfewshot_seg.annotations.drawn_image import DrawnImage, describe_shapes
from mmfewshot_seg.annotations.image_places import images_by_stem
from mmfewshot_seg.annotations.shapes import Shape

FORMAT = 'YOLO'
NAME_FILES = ('classes.txt', 'obj.names')
_SPLITS = ('train', 'val', 'valid', 'test')
_NOT_LABELS = re.compile(
    r'(classes|notes|train|val|valid|test|readme.*|labels?|labelmap)\.txt', re.I
)


def read_yolo(path: Path) -> AnnotationSet:
    """Annotations of a data set of YOLO: outlines, and boxes.

    Images lie in folders ``images``, texts of the same name in ``labels`` beside them, or beside
    the images.

    Args:
        path: ``data.yaml``, or a folder with it, or with ``classes.txt``.

    Raises:
        FileNotFoundError: If nothing names the classes.
        ValueError: If a file is broken, naming file and line.
    """
    folder = path if path.is_dir() else path.parent
    names, folders = _names_and_folders(path)
    images, unlabelled = [], 0
    for each in folders:
        for image, text in _pairs(each):
            if text is None:
                unlabelled += 1
            else:
                images.append(_read(image, text, names))
    if not images:
        raise ValueError(
            f'{path}: no image has a text of labels; expected images/.../<n>.jpg with '
            f'labels/.../<n>.txt, in {some(map(str, folders))}'
        )
    notes = describe_shapes(tuple(images))
    if unlabelled:
        notes += (f'{unlabelled} images have no text of labels and are left out',)
    return AnnotationSet(FORMAT, str(folder), tuple(names), tuple(images), notes)


def find_yolo(folder: Path) -> bool:
    """Whether a folder holds a data set of YOLO."""
    if _yaml_of(folder) is not None:
        return True
    return any(_label_files(sub) for sub in (folder / 'labels', folder / 'obj_train_data', folder))


def _label_files(folder: Path) -> bool:
    """Whether there are texts, in ``labels`` any without label maps, else with a line of YOLO."""
    texts = folder.rglob('*.txt') if folder.name == 'labels' else folder.glob('*.txt')
    for text in texts:
        if text.name.startswith('.') or _NOT_LABELS.fullmatch(text.name):
            continue
        if folder.name == 'labels' and not any(folder.rglob('*.png')):
            return True  # whatever is wrong in it will be told by its line
        line = text.read_bytes()[:200].partition(b'\n')[0]
        return re.match(rb'\s*\d+(\s+[-+.\deE]+){4,}', line) is not None or not line.strip()
    return False


def _yaml_of(folder: Path) -> Path | None:
    for path in sorted([*folder.glob('*.yaml'), *folder.glob('*.yml')]):
        content = _load(path)
        if isinstance(content, Mapping) and 'names' in content:
            return path
    return None


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding='utf-8-sig'))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f'{path} cannot be read as yaml: {error}') from error


def _names_and_folders(path: Path) -> tuple[list[str], list[Path]]:
    """Names of the classes in order, and folders of images."""
    folder = path if path.is_dir() else path.parent
    source = path if path.is_file() else _yaml_of(folder)
    if source is not None:
        content = _load(source)
        if not isinstance(content, Mapping) or 'names' not in content:
            raise ValueError(f"{source} is no data.yaml of YOLO: it has no 'names'")
        if content.get('kpt_shape'):  # whose lines could be taken for outlines
            raise ValueError(
                f'{source} has key points, kpt_shape: {content["kpt_shape"]}, which are not read; '
                'export outlines (segmentation) or boxes (detection)'
            )
        return _names(source, content['names']), _folders(source, content)
    for place in (folder, folder.parent):
        for name in NAME_FILES:
            if (place / name).is_file():
                lines = (place / name).read_text(encoding='utf-8-sig').splitlines()
                return _names(place / name, [line.strip() for line in lines if line.strip()]), [
                    folder
                ]
        if (above := _yaml_of(place)) is not None:
            return _names(above, _load(above)['names']), [folder]
    raise FileNotFoundError(
        f'{folder} has texts of YOLO and nothing that names the classes: put data.yaml with '
        'names: [...] there, or classes.txt with a name in each line'
    )


def _names(source: Path, names: Any) -> list[str]:
    if isinstance(names, Mapping):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ValueError(f'{source}: names are numbered from 0, got {list(names)!r:.80}')
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise ValueError(f'{source}: names is a list of the classes, got {names!r:.80}')
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        raise ValueError(f'{source} has a name twice: {some(names)}')
    return names


def _folders(source: Path, content: Mapping) -> list[Path]:
    """Folders of images of all splits; those of a yaml are seen from its own folder."""
    given = [content[key] for key in _SPLITS if content.get(key)]
    listed = [each for entry in given for each in (entry if isinstance(entry, list) else [entry])]
    root = content.get('path')
    roots = [source.parent / str(root), Path(source.parent)] if root else [source.parent]
    folders = []
    for entry in map(str, listed):
        names = [entry, entry.removeprefix('../')]
        places = [base / name for base in roots for name in names]
        found = next((place for place in places if _is_folder_below(place, source.parent)), None)
        if found is not None:
            folders.append(found)
        elif entry.endswith('.txt'):
            raise ValueError(
                f'{source}: {entry} is a list of files; lists are not read, name the folder of '
                'the images'
            )
    return list(dict.fromkeys(folders)) or [source.parent]


def _is_folder_below(place: Path, root: Path) -> bool:
    """Whether a folder is there, and does not hold all of ``root`` and more."""
    try:
        place, root = place.resolve(), root.resolve()
        return place.is_dir() and (place == root or not root.is_relative_to(place))
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a loop of links
        return False


def _pairs(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Images and their texts."""
    for image in images_by_stem(folder, deep=True).values():
        parts = list(image.with_suffix('.txt').parts)
        texts = [image.with_suffix('.txt')]
        if 'images' in parts:
            place = len(parts) - 1 - parts[::-1].index('images')
            texts.insert(0, Path(*parts[:place], 'labels', *parts[place + 1 :]))
        yield image, next((text for text in texts if text.is_file()), None)


def _read(image: Path, text: Path, names: Sequence[str]) -> DrawnImage:
    try:
        lines = text.read_text(encoding='utf-8-sig').splitlines()
    except ValueError as error:
        raise ValueError(f'{text} is no text in UTF-8: {error}') from error
    shapes = tuple(
        _shape(f'{text}: line {number}', line.split(), names)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )
    return DrawnImage(str(image), str(text), shapes, in_shares=True, is_layered=False)


def _shape(what: str, words: list[str], names: Sequence[str]) -> Shape:
    """Shape of a line: class and outline, or class, middle and size of a box."""
    try:
        number, shares = int(words[0]), np.array([float(word) for word in words[1:]])
    except (ValueError, OverflowError):
        raise ValueError(f'{what} is no class and numbers: {" ".join(words)!r:.80}') from None
    if not 0 <= number < len(names):
        raise ValueError(f'{what} has the class {number}, there are 0..{len(names) - 1}')
    if len(shares) != 4 and (len(shares) < 6 or len(shares) % 2):
        raise ValueError(
            f'{what} has {len(shares)} numbers after the class: 4 of a box, or x and y of at least '
            'three points; texts with scores or key points are not read'
        )
    if not ((shares >= -0.01) & (shares <= 1.01)).all():
        odd = shares[~((shares >= -0.01) & (shares <= 1.01))][0]
        raise ValueError(f'{what} has {odd:g}; coordinates are shares of the image, from 0 to 1')
    named = f'{what}, a {names[number]}'
    if len(shares) > 4:
        return Shape('polygon', shares.reshape(-1, 2), 1, named, class_name=names[number])
    middle, half = shares[:2], shares[2:] / 2
    if not (half > 0).all():
        raise ValueError(f'{what} is a box without width or height')
    return Shape(
        'box', np.concatenate([middle - half, middle + half]), 1, named, class_name=names[number]
    )
