"""What episodes are drawn from: images, classes and masks.

H, W size of an image, N ways, M pairs of image and class.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from mmfewshot_seg.classes.folds import FoldTables
from mmfewshot_seg.datasets.sources.pair_index import check_unreadable, log_empty, pair_index


class EpisodeSource(ABC):
    """Images that show classes.

    Class ids are indices into ``class_names``. Images are numbered from 0, in an order that does
    not depend on the file system. Files are local.

    Attributes:
        class_names: The classes, without background.
        folds: Fold tables by style, or None.
        benchmark: ``'pascal'``, ``'coco'`` or None; protocols differ between benchmarks.

    Args:
        index_dir: Folder that keeps the index of the source (see :attr:`pairs`); None: no file.
        skip_unreadable: Leave out images that cannot be read, instead of refusing the source.
    """

    class_names: tuple[str, ...]
    folds: FoldTables | None = None
    benchmark: str | None = None

    def __init__(
        self, index_dir: str | None = 'work_dirs/index', skip_unreadable: bool = False
    ) -> None:
        self.index_dir = index_dir
        self.skip_unreadable = skip_unreadable
        self._pairs: np.ndarray | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def image_path(self, j: int) -> str:
        """File of image ``j``."""

    @abstractmethod
    def label_map(self, j: int, class_ids: Sequence[int]) -> np.ndarray:
        """(H, W) uint8: n where image ``j`` shows ``class_ids[n - 1]``, else 0; 255 for void."""

    @abstractmethod
    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) of the mask of image ``j``, and pixels by class id.

        Raises:
            ValueError: If the mask holds what the source does not declare.
            UnreadableImageError: If the mask cannot be decoded.
        """

    @abstractmethod
    def files(self) -> Iterable[str]:
        """All files that the index depends on."""

    def options(self) -> dict:
        """All else that the index depends on, as JSON takes it."""
        return {}

    def instance_map(self, j: int, class_id: int) -> np.ndarray:
        """(H, W) int32: 1.. for the instances of a class in image ``j``, else 0.

        A source without instances takes the 8-connected regions of the class for them.
        """
        mask = (self.label_map(j, (class_id,)) == 1).astype(np.uint8)
        return cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)[1]

    def scribble_map(self, j: int) -> np.ndarray:
        """(H, W) int32: 0 scribbled background, 1.. scribbled instances, 255 no scribble.

        Instances of any class; they lie within the masks of their classes.

        Raises:
            ValueError: If the source has no scribbles.
        """
        raise ValueError(
            f'{type(self).__name__} has no scribbles; use Pascal5iSource with scribble_dir, or '
            'bounding boxes'
        )

    @property
    def pairs(self) -> np.ndarray:
        """(M, 3) int64 sorted rows (image, class id, pixels), one for each class of each image.

        At the first call every image and mask is read and checked, unless ``index_dir`` holds
        the result for the same files and options.

        Raises:
            ValueError: If an image cannot be read (and is not to be skipped), or has not the
                size of its mask, or the mask holds values that are not declared.
            FileNotFoundError: If a file is missing.
        """
        if self._pairs is None:
            index = pair_index(self, self.index_dir)
            check_unreadable(index, self.skip_unreadable)
            log_empty(index, self)
            self._pairs = index.pairs
        return self._pairs
