"""The classes that a prediction is asked for.

Shape letters: ``U`` unseen classes, ``D`` length of a word vector.
"""

from dataclasses import dataclass

from torch import Tensor

from mmfewshot_seg.classes.zeroshot_splits import MODES


@dataclass(frozen=True, eq=False)
class DetectedClasses:
    """What a detector and its heads have to know of a prediction besides the images.

    It goes with the images, as ``detected_classes`` in the meta information of each, so that
    threads that share a model may ask for different classes.

    Attributes:
        mode: ``'seen'``, ``'unseen'`` or ``'generalized'``.
        unseen: (U, D) vectors of the unseen classes, on any device; the heads bring them to theirs.
        names: Names of the labels, for those who read the predictions.

    Raises:
        ValueError: If there is no such mode, or unseen classes are asked for and there are none.
    """

    mode: str
    unseen: Tensor
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f'mode={self.mode!r}: the modes are {", ".join(MODES)}')
        if self.mode != 'seen' and not len(self.unseen):
            raise ValueError(f'mode={self.mode!r}, but there are no vectors of unseen classes')
