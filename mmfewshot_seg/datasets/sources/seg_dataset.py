"""Source: any semantic data set of MMSegmentation."""

from collections.abc import Iterable

import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS as MMSEG_DATASETS

from mmfewshot_seg.datasets.folds import resolve_classes
from mmfewshot_seg.datasets.sources.image_files import decoding
from mmfewshot_seg.datasets.sources.label_map_source import LabelMapSource
from mmfewshot_seg.registry import DATASETS, register
from mmfewshot_seg.structures.labels import IGNORED


@register(DATASETS, host='mmseg')
class SegDatasetSource(LabelMapSource):
    """Images and labels of an MMSegmentation data set.

    Labels are read as MMSegmentation reads them, so ``reduce_zero_label`` and a selection of
    classes by ``metainfo`` hold. Connected regions of a class serve as its instances.

    Args:
        dataset: Config of the data set; its pipeline is not used.
        background: Name of the class that is background. None: ``'background'``, if the data set
            has a class of that name.
        index_dir: See :class:`EpisodeSource`.
        skip_unreadable: See :class:`EpisodeSource`.

    Raises:
        ValueError: If the data set wraps others, is empty, names no classes or has no labels, or
            there is no class named ``background``.

    Example:
        >>> SegDatasetSource(dict(
        ...     type='mmseg.BaseSegDataset', data_root='camvid',
        ...     data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
        ...     metainfo=dict(classes=('sky', 'building', 'road'))))  # doctest: +SKIP
    """

    def __init__(
        self,
        dataset: dict,
        background: str | None = None,
        index_dir: str | None = 'work_dirs/index',
        skip_unreadable: bool = False,
    ) -> None:
        super().__init__(index_dir, skip_unreadable)
        if wrapped := {'dataset', 'datasets'} & dataset.keys():
            raise ValueError(
                f'{dataset["type"]} wraps other data sets, a source is of one: give the config '
                f'in {wrapped.pop()!r} itself, or a source for each of several'
            )
        self.dataset = MMSEG_DATASETS.build({**dataset, 'pipeline': [], 'serialize_data': False})
        classes = self.dataset.metainfo.get('classes')
        if not classes:
            raise ValueError(
                f'{dataset["type"]} names no classes; give them by metainfo=dict(classes=...)'
            )
        if background is None and 'background' in classes:
            background = 'background'
        if background is not None:
            (self.background_label,) = resolve_classes([background], classes)
        self.class_labels = [
            label for label in range(len(classes)) if label != self.background_label
        ]
        self.class_names = tuple(classes[label] for label in self.class_labels)
        self._load = LoadAnnotations()
        self._paths = self._list_files(dataset)

    def _list_files(self, dataset: dict) -> list[tuple[str, str]]:
        """Image and label file of each image."""
        infos = [self.dataset.get_data_info(i) for i in range(len(self.dataset))]
        if not infos:
            raise ValueError(
                f'{dataset["type"]} has no images; check data_root, data_prefix, img_suffix and '
                f'ann_file: {self.dataset.data_prefix}'
            )
        unlabelled = [info['img_path'] for info in infos if 'seg_map_path' not in info]
        if unlabelled:
            raise ValueError(
                f'{unlabelled[0]} has no labels; give their folder as data_prefix[seg_map_path]'
            )
        return [(info['img_path'], info['seg_map_path']) for info in infos]

    def __len__(self) -> int:
        return len(self._paths)

    def image_path(self, j: int) -> str:
        """File of image ``j``."""
        return self._paths[j][0]

    def label_path(self, j: int) -> str:
        """File of the labels of image ``j``."""
        return self._paths[j][1]

    def read_labels(self, j: int) -> np.ndarray:
        """(H, W) uint8 labels of image ``j``; ``ignore_index`` of the data set becomes 255."""
        path = self.label_path(j)
        with decoding(path):
            labels = self._load(self.dataset.get_data_info(j))['gt_seg_map']
        if labels.ndim != 2:
            raise ValueError(
                f'{path}: labels are one value per pixel, this file has {labels.shape[-1]} '
                'channels; convert it to class indices'
            )
        if self.dataset.ignore_index != IGNORED:
            labels[labels == self.dataset.ignore_index] = IGNORED
        return labels

    def files(self) -> Iterable[str]:
        """Images and labels."""
        for paths in self._paths:
            yield from paths

    def options(self) -> dict:
        """How labels are read."""
        label_map = self.dataset.label_map
        return {
            'class_labels': self.class_labels,
            'background_label': self.background_label,
            'label_map': label_map and {str(old): int(new) for old, new in label_map.items()},
            'reduce_zero_label': self.dataset.reduce_zero_label,
            'ignore_index': self.dataset.ignore_index,
        }
