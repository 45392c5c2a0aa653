"""Source: any semantic data set of MMSegmentation."""

from collections.abc import Iterable, Sequence

import numpy as np
from mmseg.registry import DATASETS as MMSEG_DATASETS

from mmfewshot_seg.classes.folds import resolve_classes
from mmfewshot_seg.datasets.sources.label_map_source import LabelMapSource
from mmfewshot_seg.datasets.transforms.load_labels import LoadLabels
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
        palette: RGB of each class of the data set, for label files in colours or greys; see
            :class:`LoadLabels`.
        void: Colours that are void.

    Raises:
        ValueError: If the data set wraps others, is empty, names no classes or has no labels, or
            there is no class named ``background``.

    Example::

        SegDatasetSource(
            dict(
                type='mmseg.BaseSegDataset',
                data_root='camvid',
                data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
                metainfo=dict(classes=('sky', 'building', 'road')),
            )
        )
    """

    def __init__(
        self,
        dataset: dict,
        background: str | None = None,
        index_dir: str | None = 'work_dirs/index',
        skip_unreadable: bool = False,
        palette: Sequence[Sequence[int]] | None = None,
        void: Sequence[Sequence[int]] = (),
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
        self._load = LoadLabels(palette, void)
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
        labels = self._load(self.dataset.get_data_info(j))['gt_seg_map']
        if self.dataset.ignore_index != IGNORED:
            labels[labels == self.dataset.ignore_index] = IGNORED
        return labels

    @property
    def pairs(self) -> np.ndarray:
        """As of any source; labels that are nothing but void are explained."""
        pairs = super().pairs
        void = (j for j in range(len(self)) if (self.read_labels(j) == IGNORED).any())
        if not len(pairs) and (j := next(void, None)) is not None:
            raise ValueError(
                f'no image shows a class, but {self.label_path(j)} holds {IGNORED}, which is void. '
                f'If {IGNORED} is a class, say so: palette=[(0, 0, 0), (255, 255, 255)] has the '
                f'colours of the classes {self.dataset.metainfo["classes"]} in their order'
            )
        return pairs

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
            'palette': self._load.palette,
            'void': self._load.void,
        }
