"""Folders of images and masks: one folder a class, or label maps of several classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmfewshot_seg.annotations.annotated_image import (
    AnnotatedImage,
    AnnotationSet,
    MarkedObject,
    some,
)
from mmfewshot_seg.annotations.label_map_image import LabelMapImage, objects_of
from mmfewshot_seg.annotations.labelme import read_labelme
from mmfewshot_seg.annotations.value_table import find_value_table, make_value_table
from mmfewshot_seg.datasets.sources.folder import FolderSource
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES
from mmfewshot_seg.datasets.sources.masks import MaskSource, Value, mask_label

CLASS_FOLDERS, LABEL_MAPS = 'class folders', 'label maps'
_PAIRS = (
    *(('images', 'masks'), ('images', 'labels'), ('images', 'annotations'), ('images', 'mask')),
    *(('img_dir', 'ann_dir'), ('JPEGImages', 'SegmentationClass'), ('imgs', 'masks')),
    *(('image', 'mask'), ('img', 'mask'), ('img', 'ann'), ('image', 'label')),
)
_EXPECTED = (
    'expected images/<n>.jpg with masks/<n>.png, img_dir/ with ann_dir/, JPEGImages/ with '
    'SegmentationClass/, or <n>.jpg beside <n>.png or <n>_mask.png'
)
_MAP_SUFFIXES = ('.png', '.bmp', '.tif', '.tiff', '.gif')  # which lose nothing
_MAP_ENDINGS = ('', '_mask', '_label', '_L', '_labelIds', '_gt')


def mask_file_label(
    mask: MaskSource,
    class_name: str,
    size: tuple[int, int],
    threshold: float | None = None,
    value: Value | None = None,
) -> np.ndarray:
    """(H, W) uint8 label map of a mask of one class; of a ``.json`` LabelMe's shapes of the class.

    Raises:
        UnreadableImageError: If it cannot be decoded.
        ValueError: See :func:`mask_label` and :meth:`DrawnImage.label`.
    """
    if isinstance(mask, str | Path) and Path(mask).suffix.lower() == '.json':
        return read_labelme(mask).label(class_name, size)
    return mask_label(mask, threshold, value)


@dataclass(frozen=True)
class MaskedImage(AnnotatedImage):
    """An image with a mask of one class.

    Attributes:
        path: File of the image.
        source: File of the mask.
        class_name: Name of the class.
        threshold: See :func:`mask_label`.
        value: See :func:`mask_label`.
    """

    path: str
    source: str
    class_name: str
    threshold: float | None = None
    value: Value | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class."""
        return (self.class_name,)

    def label(self, class_name: str, size: tuple[int, int]) -> np.ndarray:
        """Label map of the class, see :meth:`AnnotatedImage.label`."""
        label = mask_file_label(self.source, class_name, size, self.threshold, self.value)
        if label.shape != tuple(size):
            raise ValueError(f'{self.source} has the size {label.shape}, its image {tuple(size)}')
        return label

    def objects(self, size: tuple[int, int]) -> list[MarkedObject]:
        """Objects of the class, see :meth:`AnnotatedImage.objects`; of a mask its regions."""
        if self.source.lower().endswith('.json'):
            drawn = read_labelme(self.source)
            drawn.check_class(self.class_name)
            return [t for t in drawn.objects(size) if t.class_name == self.class_name]
        label = self.label(self.class_name, size)
        return objects_of(label, self.class_names)


def read_class_folders(
    folder: Path,
    mask_suffix: str | None = None,
    threshold: float | None = None,
    value: Value | None = None,
) -> AnnotationSet:
    """Annotations of a folder of class folders, the layout of :class:`FolderSource`.

    Args:
        folder: The folder.
        mask_suffix: How the name of a mask goes on after the stem of its image. None: ``'.json'``
            where there are such files and no png files, else as :class:`FolderSource` has it.
        threshold: See :func:`mask_label`.
        value: See :func:`mask_label`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: As :class:`FolderSource`.
    """
    source = FolderSource(
        str(folder),
        mask_suffix=_json_suffix(folder) if mask_suffix is None else mask_suffix,
        threshold=threshold,
        mask_value=value,
        index_dir=None,
    )
    files = iter(source.files())
    images = tuple(
        MaskedImage(image, mask, Path(image).parent.name, threshold, value)
        for image, mask in zip(files, files, strict=True)
    )
    return AnnotationSet(CLASS_FOLDERS, str(folder), source.class_names, images)


def _json_suffix(folder: Path) -> str | None:
    """``'.json'`` where class folders have files of LabelMe instead of masks."""
    suffixes = {path.suffix.lower() for path in folder.glob('*/*') if path.name[0] != '.'}
    return '.json' if '.json' in suffixes and '.png' not in suffixes else None


def read_label_maps(
    folder: Path,
    mask_suffix: str | None = None,
    class_values: Mapping[str, Value] | None = None,
) -> AnnotationSet:
    """Annotations of images with label maps of several classes, in two folders or in one.

    Args:
        folder: The folder of both.
        mask_suffix: How the name of a label map goes on after the stem of its image. None: as is
            usual.
        class_values: Value or RGB colour of each class. None: a file in the folder says it, see
            :func:`read_value_table`.

    Raises:
        ValueError: If there are none, or nothing says what their values mean.
    """
    layout = find_label_maps(folder, mask_suffix)
    if layout is None:
        raise ValueError(f'{folder} has no images with label maps; {_EXPECTED}')
    if class_values is not None:
        table = make_value_table(class_values)
    else:
        found = find_value_table(folder, *layout.folders, folder.parent)
        if found is None:
            raise ValueError(
                f'{folder} has images with label maps, as {layout.pairs[0][1]}, and nothing that '
                'says what their values mean: put classes.txt there with lines like "zebra = 15" '
                'or "zebra = 192, 128, 128", or give class_values=dict(zebra=15), of tools '
                '--class-values zebra=15; of masks 0 and 255 zebra=255'
            )
        table = found
    images = tuple(
        LabelMapImage(str(image), str(mask), table, _objects_path(mask))
        for image, mask in layout.pairs
    )
    notes: tuple[str, ...] = ()
    if layout.lonely:
        notes = (
            f'{len(layout.lonely)} images have no label map and are left out: '
            f'{some(layout.lonely, 3)}',
        )
    return AnnotationSet(LABEL_MAPS, str(folder), tuple(table.classes), images, notes)


@dataclass(frozen=True)
class Layout:
    """Images with label maps.

    Attributes:
        pairs: Files of image and label map.
        folders: Of images and of label maps; none if they lie side by side.
        lonely: Images without a label map.
    """

    pairs: list[tuple[Path, Path]]
    folders: tuple[Path, ...]
    lonely: list[str]


def find_label_maps(folder: Path, mask_suffix: str | None = None) -> Layout | None:
    """Images with label maps in the usual places of a folder; None if there are none."""
    for names in _PAIRS:
        images, masks = (folder / name for name in names)
        if images.is_dir() and masks.is_dir():
            layout = _find_pairs(images, masks, mask_suffix)
            if layout.pairs:
                return layout
    beside = _find_pairs(folder, folder, mask_suffix)
    return beside if beside.pairs else None


def _find_pairs(images: Path, masks: Path, mask_suffix: str | None) -> Layout:
    """Images of a folder, and the label maps of a folder, which may be the same.

    Raises:
        ValueError: If a label map would be that of two images.
    """
    if mask_suffix is None:
        suffixes = [ending + kind for ending in _MAP_ENDINGS for kind in _MAP_SUFFIXES]
    else:
        suffixes = [mask_suffix]
    is_one = images == masks
    found, others = (
        sorted(path for path in (place.iterdir() if is_one else place.rglob('*')) if _is_seen(path))
        for place in (images, masks)
    )
    names = {path.relative_to(masks).as_posix(): path for path in others}
    maps = {name.lower(): path for name, path in names.items()} | names  # the very name first
    pairs, lonely = [], []
    image_of: dict[Path, Path] = {}
    for image in found:
        stem = image.relative_to(images).with_suffix('').as_posix()
        wanted = [f'{stem}{suffix}' for suffix in suffixes]
        fitting = (maps.get(name) for each in wanted for name in (each, each.lower()))
        mask = next((path for path in fitting if path not in (None, image)), None)
        if mask is not None:
            if mask in image_of:
                raise ValueError(
                    f'{mask} would be the label map of two images, {image_of[mask].name} and '
                    f'{image.name}: give one of them another name, or remove it'
                )
            image_of[mask] = image
            pairs.append((image, mask))
        elif not is_one:
            lonely.append(str(image))
    return Layout(pairs, () if is_one else (images, masks), lonely)


def _is_seen(path: Path) -> bool:
    return not path.name.startswith('.') and path.suffix.lower() in (*IMAGE_SUFFIXES, '.gif')


def _objects_path(mask: Path) -> str | None:
    """The file of objects that VOC and CVAT have beside a label map of classes."""
    if mask.parent.name != 'SegmentationClass':
        return None
    path = mask.parent.parent / 'SegmentationObject' / mask.name
    return str(path) if path.is_file() else None
