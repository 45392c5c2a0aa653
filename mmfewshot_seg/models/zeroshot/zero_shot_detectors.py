"""Detectors whose classes are a list of names with word vectors.

Shape letters: ``K`` classes, ``D`` length of a word vector.
"""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
from mmdet.models.detectors import TwoStageDetector
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from torch import Tensor

from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.zeroshot_splits import ZeroShotSplit, label_difference
from mmfewshot_seg.models.zeroshot.background_aware_rpn_head import BackgroundAwareRPNHead
from mmfewshot_seg.models.zeroshot.class_vectors import check_mode
from mmfewshot_seg.models.zeroshot.zero_shot_classes import load_classes
from mmfewshot_seg.models.zeroshot.zero_shot_roi_head import ZeroShotRoIHead, check_kind
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class ZeroShotFasterRCNN(TwoStageDetector):
    """Boxes of seen and unseen classes.

    Sizes that follow from the classes (their number, the length of a word vector, the words of the
    vocabulary) are not in the config: the heads get them from here. Word vectors are not in the
    checkpoint either: only the number of seen classes is fixed by it.

    Args:
        classes: Names and vectors: arguments of :func:`load_classes`.
        rpn_head: Config of a :class:`BackgroundAwareRPNHead`.
        roi_head: Config of a :class:`ZeroShotRoIHead`.
        test_cfg: That of mmdet's detectors, with ``rcnn.mode``: ``'seen'`` (default), ``'unseen'``
            or ``'generalized'``; more in :class:`ZeroShotBBoxHead`.
        kwargs: See mmdet's ``TwoStageDetector``.

    Raises:
        FileNotFoundError: If a file of word vectors does not exist.
        ValueError: If the classes are not as :func:`load_classes` wants them, a size is in the
            config and another, or a head is of another kind.

    Source: Zero-Shot Instance Segmentation (Zheng et al., CVPR 2021).
    """

    def __init__(
        self, classes: dict, rpn_head: dict, roi_head: dict, test_cfg: dict, **kwargs
    ) -> None:
        check_kind(rpn_head, 'rpn_head', BackgroundAwareRPNHead)
        check_kind(roi_head, 'roi_head', ZeroShotRoIHead)
        loaded = load_classes(**classes)
        word_dim = loaded.seen.shape[1]
        sizes = dict(num_classes=len(loaded.seen), word_dim=word_dim)
        roi_head, rpn_head = deepcopy(roi_head), deepcopy(rpn_head)
        _inject(roi_head.bbox_head, 'bbox_head', vocabulary_size=len(loaded.vocabulary), **sizes)
        if roi_head.get('mask_head') is not None:
            _inject(roi_head.mask_head, 'mask_head', **sizes)
        _inject(rpn_head, 'rpn_head', word_dim=word_dim)
        super().__init__(rpn_head=rpn_head, roi_head=roi_head, test_cfg=test_cfg, **kwargs)
        self.split = loaded.split
        self.dataset_meta = {}  # refuses a mode without classes
        self.classes = loaded
        self.rpn_head.set_background(loaded.background)
        self.roi_head.bind_background(self.rpn_head.background_vector)
        self.roi_head.bbox_head.set_vocabulary(loaded.vocabulary)
        for vectors in self.roi_head.class_vectors:
            vectors.set(loaded.seen, loaded.unseen, loaded.background)

    @property
    def mode(self) -> str:
        """Which classes are detected: ``'seen'``, ``'unseen'`` or ``'generalized'``."""
        return self.roi_head.test_cfg.get('mode', 'seen')

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels that are detected."""
        return self.split.classes(self.mode)

    def set_classes(
        self,
        names: ClassList,
        vectors: Tensor | np.ndarray | None = None,
        mode: str = 'unseen',
    ) -> None:
        """Detect other unseen classes from now on; no weight changes.

        Args:
            names: K names, other than those of the seen classes, or a text file with one per line.
            vectors: (K, D) as a file of the same kind has them: they are centred and scaled as
                those of the model's own classes; by default from the file it was built with.
            mode: ``'unseen'`` for these classes alone, ``'generalized'`` for the seen ones too.

        Raises:
            ValueError: If a name is there twice or is a seen class, has no vector or a zero one,
                the vectors do not fit in number or length, or the mode is another.
        """
        if mode == 'seen':
            raise ValueError(
                "mode='seen' detects the classes of the training: leave the other classes out, or "
                "take 'unseen' or 'generalized'"
            )
        split = ZeroShotSplit(self.split.seen, names)
        split.classes(mode)  # refuses a mode without classes
        if vectors is None:
            vectors = self.classes.vectors_of(split.unseen)
        else:
            vectors = torch.as_tensor(vectors).detach().float().cpu().numpy()
            vectors = self.classes.prepared(split.unseen, vectors)
        for head_vectors in self.roi_head.class_vectors:
            head_vectors.set(unseen=torch.as_tensor(vectors))
        self.split = split
        self.set_mode(mode)

    def set_mode(self, mode: str) -> None:
        """Choose the classes to detect.

        Args:
            mode: ``'seen'``, ``'unseen'`` or ``'generalized'``.

        Raises:
            ValueError: If there is no such mode, or no unseen class.
        """
        check_mode(mode)
        self.split.classes(mode)  # refuses a mode without classes
        self.roi_head.test_cfg.mode = mode
        self.dataset_meta.update(classes=self.class_names)  # in place, for who holds it

    @property
    def dataset_meta(self) -> dict:
        """What mmdet's inferencers and visualizers go by; its classes are always ours.

        They set it from the checkpoint, which was trained on other classes than are detected.
        """
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: Mapping) -> None:
        self._dataset_meta = dict(meta, classes=self.class_names)

    def check_data(self, meta: Mapping, training: bool = False) -> None:
        """Do the labels of a data set mean what they mean here?

        Args:
            meta: ``metainfo`` of the data set.
            training: Whether it is there to be trained on; else to be predicted.

        Raises:
            ValueError: If not; the message tells the first label that differs.
        """
        ours = self.split.seen if training else self.class_names
        differ = label_difference(ours, meta.get('classes', ours))
        if differ and training:
            raise ValueError(
                f'{differ}. The seen classes of model.classes.split must be those that are '
                'trained on, in the same order'
            )
        if differ:
            raise ValueError(
                f'{differ}. Set model.test_cfg.rcnn.mode={self.mode!r} to the mode of the data '
                f'set, {meta.get("mode")!r}, and give both the same class lists in the same order'
            )

    def half(self) -> 'ZeroShotFasterRCNN':
        """Not there: similarities with word vectors need float32.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            f'{type(self).__name__} keeps its weights in float32: to compute in half precision use '
            'torch.autocast(device_type, dtype)'
        )

    bfloat16 = half

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Levels of the neck, float32 under mixed precision too, as RoIAlign needs on the CPU."""
        return tuple(level.float() for level in super().extract_feat(batch_inputs))

    def predict(
        self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample], rescale: bool = True
    ) -> list[DetDataSample]:
        """See mmdet's ``TwoStageDetector``.

        Each sample is told ``zeroshot_classes``, the names of its labels, so that the metric can
        refuse those of other classes than its own.
        """
        samples = super().predict(batch_inputs, batch_data_samples, rescale)
        for sample in samples:
            sample.set_metainfo(dict(zeroshot_classes=self.class_names))
        return samples


@register(MODELS, host='mmdet')
class ZeroShotMaskRCNN(ZeroShotFasterRCNN):
    """Boxes and masks of seen and unseen classes; arguments as of :class:`ZeroShotFasterRCNN`.

    Raises:
        ValueError: If ``roi_head`` has no ``mask_head``; or see :class:`ZeroShotFasterRCNN`.
    """

    def __init__(self, roi_head: dict, **kwargs) -> None:
        if roi_head.get('mask_head') is None:
            raise ValueError(
                'ZeroShotMaskRCNN: roi_head without mask_head, expected one; for boxes alone take '
                'ZeroShotFasterRCNN'
            )
        super().__init__(roi_head=roi_head, **kwargs)


def _inject(config: ConfigDict, name: str, **sizes: int) -> None:
    """Tell a head its sizes.

    Raises:
        ValueError: If the config says another.
    """
    for key, size in sizes.items():
        if config.get(key, size) != size:
            raise ValueError(
                f'{name} with {key}={config[key]}, but the classes have {size}: leave it out, it '
                'follows from "classes"'
            )
    config.update(sizes)
