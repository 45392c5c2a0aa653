"""Source: PASCAL-5i from the trees of VOC2012 and SBD."""

import os
from collections.abc import Iterable

import numpy as np

from mmfewshot_seg.classes.folds import PASCAL_5I, VOC_CLASSES
from mmfewshot_seg.datasets.sources import sbd
from mmfewshot_seg.datasets.sources.label_map_source import LabelMapSource
from mmfewshot_seg.datasets.sources.masks import read_label_map
from mmfewshot_seg.registry import DATASETS, register
from mmfewshot_seg.structures.labels import IGNORED

_TREE = """expected
  VOC2012/                      data_root
    JPEGImages/<name>.jpg
    ImageSets/Segmentation/{train,val}.txt [, trainaug.txt]
    SegmentationClassAug/<name>.png   labels of all images (optional), or
    SegmentationClass/<name>.png      labels of VOC's own images
    SegmentationObject/<name>.png     instances (for weak annotations)
  benchmark_RELEASE/dataset/    sbd_root, for labels that are not in SegmentationClassAug
    cls/<name>.mat  inst/<name>.mat  train.txt  val.txt"""


@register(DATASETS, host='mmseg')
class Pascal5iSource(LabelMapSource):
    """VOC2012, with the further labels of SBD.

    The label of an image is the first there is of ``SegmentationClassAug/<name>.png``,
    ``SegmentationClass/<name>.png`` and, in ``sbd_root``, ``cls/<name>.mat``. Instances come from
    ``SegmentationObject/<name>.png`` or ``inst/<name>.mat``; where an image has neither, the
    connected regions of a class are taken for them.

    Args:
        data_root: The folder VOC2012.
        sbd_root: The folder ``dataset`` of SBD.
        split: ``'train'``, ``'val'``, another list in ``ImageSets/Segmentation``, or the path of a
            list file; the first word of a line is the name of an image or its path.
            ``'trainaug'`` without a list of that name is VOC train and all of SBD without VOC
            val, 10582 images.
        scribble_dir: Folder of scribbles ``<name>.png`` in the manner of ScribbleSup: 0 scribbled
            background, 1..20 scribbles of the classes, 255 no scribble.
        index_dir: See :class:`EpisodeSource`.
        skip_unreadable: See :class:`EpisodeSource`.

    Raises:
        FileNotFoundError: If a folder, list, image or label is missing; shows the tree expected.
        ValueError: If the list is empty.
    """

    class_names = VOC_CLASSES
    folds = PASCAL_5I
    benchmark = 'pascal'
    class_labels = range(1, 21)
    background_label = 0

    def __init__(
        self,
        data_root: str,
        sbd_root: str | None = None,
        split: str = 'trainaug',
        scribble_dir: str | None = None,
        index_dir: str | None = 'work_dirs/index',
        skip_unreadable: bool = False,
    ) -> None:
        super().__init__(index_dir, skip_unreadable)
        self.data_root, self.sbd_root, self.scribble_dir = data_root, sbd_root, scribble_dir
        for folder in (os.path.join(data_root, 'JPEGImages'), sbd_root, scribble_dir):
            if folder is not None and not os.path.isdir(folder):
                raise _missing(folder)
        self.names = sorted(set(self._read_split(split)))
        if not self.names:
            raise ValueError(f'split {split!r} of {data_root} lists no images')
        for j, name in enumerate(self.names):
            if not os.path.isfile(self.image_path(j)):
                raise FileNotFoundError(f'no image {name!r}; {_TREE}')
        self._label_paths = [self._find_label(name) for name in self.names]

    def _read_split(self, split: str) -> list[str]:
        """Names of the images of a split."""
        path = self._list_path(split)
        if split == 'trainaug' and not os.path.isfile(path):
            if self.sbd_root is None:
                raise FileNotFoundError(
                    f"split 'trainaug' needs {path}, or sbd_root to make it from; {_TREE}"
                )
            names = read_list(self._list_path('train'))
            for part in ('train.txt', 'val.txt'):
                names += read_list(os.path.join(self.sbd_root, part))
            held_out = set(read_list(self._list_path('val')))
            return [name for name in names if name not in held_out]
        return read_list(split if not os.path.isfile(path) and os.path.isfile(split) else path)

    def _list_path(self, split: str) -> str:
        return os.path.join(self.data_root, 'ImageSets', 'Segmentation', f'{split}.txt')

    def _find_label(self, name: str) -> str:
        """Label file of an image."""
        for folder in ('SegmentationClassAug', 'SegmentationClass'):
            path = os.path.join(self.data_root, folder, f'{name}.png')
            if os.path.isfile(path):
                return path
        if self.sbd_root:
            path = os.path.join(self.sbd_root, 'cls', f'{name}.mat')
            if os.path.isfile(path):
                return path
        raise FileNotFoundError(f'no label of image {name!r}; {_TREE}')

    def __len__(self) -> int:
        return len(self.names)

    def image_path(self, j: int) -> str:
        """File of image ``j``."""
        return os.path.join(self.data_root, 'JPEGImages', f'{self.names[j]}.jpg')

    def label_path(self, j: int) -> str:
        """File of the labels of image ``j``."""
        return self._label_paths[j]

    def read_labels(self, j: int) -> np.ndarray:
        """(H, W) uint8 labels of image ``j``: 0 background, 1..20 classes, 255 void."""
        path = self._label_paths[j]
        return sbd.read_labels(path) if path.endswith('.mat') else read_label_map(path)

    def instance_map(self, j: int, class_id: int) -> np.ndarray:
        """(H, W) int32: 1.. for the instances of a class in image ``j``, else 0."""
        objects = self._read_objects(j)
        if objects is None:
            return super().instance_map(j, class_id)
        objects[self.label_map(j, (class_id,)) != 1] = 0
        return _renumbered(objects)

    def _read_objects(self, j: int) -> np.ndarray | None:
        """(H, W) uint8 numbers of the objects of image ``j``, 0 elsewhere; None if unknown."""
        name = self.names[j]
        path = os.path.join(self.data_root, 'SegmentationObject', f'{name}.png')
        if os.path.isfile(path):
            objects = read_label_map(path)
        elif self.sbd_root and os.path.isfile(
            path := os.path.join(self.sbd_root, 'inst', f'{name}.mat')
        ):
            objects = sbd.read_instances(path)
        else:
            return None
        return np.where(objects == IGNORED, 0, objects)

    def scribble_map(self, j: int) -> np.ndarray:
        """(H, W) int32: 0 scribbled background, 1.. scribbled instances, 255 no scribble.

        A scribble belongs to the instance of its class that it lies on; outside of it, and on
        void, it is dropped.

        Raises:
            ValueError: If the source has no ``scribble_dir``, or the image has more than 254
                instances.
            FileNotFoundError: If the image has no scribbles.
        """
        if self.scribble_dir is None:
            raise ValueError('scribbles need scribble_dir, the folder of <name>.png files')
        path = os.path.join(self.scribble_dir, f'{self.names[j]}.png')
        if not os.path.isfile(path):
            raise FileNotFoundError(f'no scribbles of image {self.names[j]!r}: {path} is missing')
        scribbles = read_label_map(path)
        numbers = np.full(scribbles.shape, IGNORED, dtype=np.int32)
        numbers[scribbles == 0] = 0
        total = 0
        for label in sorted(set(np.unique(scribbles).tolist()) & set(self.class_labels)):
            instances = self.instance_map(j, label - 1)
            own = (scribbles == label) & (instances > 0)
            numbers[own] = instances[own] + total
            total += int(instances.max())
        if total >= IGNORED:
            raise ValueError(f'{path}: {total} instances, at most {IGNORED - 1} can be told apart')
        return numbers

    def files(self) -> Iterable[str]:
        """Images and labels."""
        for j, path in enumerate(self._label_paths):
            yield self.image_path(j)
            yield path


def read_list(path: str) -> list[str]:
    """Names of images: the first word of each line, without folder and suffix.

    Raises:
        FileNotFoundError: If there is no such list; shows the tree expected.
    """
    if not os.path.isfile(path):
        raise _missing(path)
    with open(path, encoding='utf-8') as file:
        words = [line.split()[0] for line in file if line.strip()]
    return [os.path.splitext(os.path.basename(word))[0] for word in words]


def _renumbered(objects: np.ndarray) -> np.ndarray:
    """The numbers above 0 in ``objects`` replaced by 1, 2, ..., int32."""
    numbers, inverse = np.unique(objects, return_inverse=True)
    inverse = inverse.reshape(objects.shape).astype(np.int32)
    return inverse if numbers[0] == 0 else inverse + 1


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(f'{path} is missing; {_TREE}')
