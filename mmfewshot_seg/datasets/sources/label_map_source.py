"""Base of sources whose masks hold every class of an image at once."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.structures.labels import IGNORED


class LabelMapSource(EpisodeSource):
    """Images with semantic label maps; 255 is void.

    Attributes:
        class_labels: Label of each class, in the order of ``class_names``.
        background_label: Label of the background, or None: the classes cover the image.
    """

    class_labels: Sequence[int]
    background_label: int | None = None

    @abstractmethod
    def read_labels(self, j: int) -> np.ndarray:
        """(H, W) uint8 labels of image ``j``.

        Raises:
            UnreadableImageError: If the label file cannot be decoded.
        """

    @abstractmethod
    def label_path(self, j: int) -> str:
        """File of the labels of image ``j``."""

    def label_map(self, j: int, class_ids: Sequence[int]) -> np.ndarray:
        """(H, W) uint8: n where image ``j`` shows ``class_ids[n - 1]``, else 0; 255 for void."""
        ways = np.zeros(256, dtype=np.uint8)
        ways[IGNORED] = IGNORED
        for way, class_id in enumerate(class_ids, start=1):
            ways[self.class_labels[class_id]] = way
        return ways[self.read_labels(j)]

    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) of the labels of image ``j``, and pixels by class id."""
        labels = self.read_labels(j)
        areas = np.bincount(labels.reshape(-1), minlength=256)
        undeclared = areas.copy()
        undeclared[[*self.class_labels, IGNORED]] = 0
        if self.background_label is not None:
            undeclared[self.background_label] = 0
        if undeclared.any():
            values = np.flatnonzero(undeclared).tolist()
            background = '' if self.background_label is None else f'{self.background_label}, '
            raise ValueError(
                f'{self.label_path(j)} holds labels that are not declared: {values[:10]}; declared '
                f'are {background}{min(self.class_labels)}..{max(self.class_labels)} and {IGNORED}'
            )
        return labels.shape, {
            class_id: int(areas[label])
            for class_id, label in enumerate(self.class_labels)
            if areas[label]
        }
