"""Each support of a set, segmented by all others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from mmseg.structures import SegDataSample
from torch import Tensor

from mmfewshot_seg.apis.fitted_supports import FittedSupports


@dataclass(frozen=True)
class LeftOut:
    """A support, and what the others find in it.

    Attributes:
        class_name: Its class; None for a negative.
        number: Its number within its class, from 1.
        path: File of its image, or None.
        seen: (3, H, W) uint8 BGR, the image as the network sees it.
        label: (H, W) uint8: 1 the class, 0 background, 255 not annotated.
        found: Prediction of the others, of their classes; None if there are no others of any class.
    """

    class_name: str | None
    number: int
    path: str | None
    seen: Tensor
    label: Tensor
    found: SegDataSample | None

    @property
    def found_mask(self) -> np.ndarray | None:
        """(H, W) bool, where the others find its class; None if no other shows it."""
        if self.found is None or self.class_name not in self.found.class_names:
            return None
        way = 1 + self.found.class_names.index(self.class_name)
        return self.found.pred_sem_seg.data[0].numpy() == way

    @property
    def iou(self) -> float:
        """IoU of what is found of its class, where it is annotated; nan if no other shows it."""
        found, label = self.found_mask, self.label.numpy()
        if found is None:
            return float('nan')
        inside, annotated = label == 1, label != 255
        return float((inside & found).sum() / ((inside | found) & annotated).sum())

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        return np.ascontiguousarray(self.seen.permute(1, 2, 0).numpy())


def leave_one_out(
    supports: FittedSupports, segment: Callable[[Tensor, FittedSupports], SegDataSample]
) -> Iterator[LeftOut]:
    """Leave out each support in turn, those of the classes and then the negatives.

    Args:
        supports: Nothing of them is fitted anew.
        segment: Segments a (3, H, W) uint8 image by fitted supports.

    Raises:
        ValueError: If the images of some were not kept, because they have been in a file.
    """
    for name, number, state in supports.singles():
        if 'seen' not in state:
            of = f'support {number} of {name!r}' if name else f'negative {number}'
            raise ValueError(
                f'{of} was read from a file of fitted supports, which holds no images: what others '
                'find in it cannot be told. Call set_support with the images'
            )
        others = supports.without(state)
        found = segment(state.seen, others) if others.shots else None
        yield LeftOut(name, number, state.path, state.seen, state.label, found)
