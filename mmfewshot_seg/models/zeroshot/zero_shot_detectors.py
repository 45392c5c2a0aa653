"""Detectors whose classes are a list of names with word vectors.

Shape letters: ``K`` classes, ``D`` length of a word vector.
"""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
from mmdet.models.detectors import TwoStageDetector
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from torch import Tensor

from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.zeroshot_splits import ZeroShotSplit, label_difference
from mmfewshot_seg.models.zeroshot.background_aware_rpn_head import BackgroundAwareRPNHead
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.models.zeroshot.zero_shot_classes import ZeroShotClasses, load_classes
from mmfewshot_seg.models.zeroshot.zero_shot_roi_head import ZeroShotRoIHead, check_kind
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class ZeroShotFasterRCNN(TwoStageDetector):
    """Boxes of seen and unseen classes.

    Sizes that follow from the classes (their number, the length of a word vector, the words of the
    vocabulary) are not in the config: the heads get them from here. Word vectors are not in the
    checkpoint either: only the number of seen classes is fixed by it.

    What is detected is an argument of :meth:`predict`, made by :meth:`choose_classes`, so that
    threads may share a model and ask for different classes. Where it is left out, as by mmengine's
    loops, it is what :meth:`set_classes` and :meth:`set_mode` chose, at first that of the config.

    Args:
        classes: Names and vectors: arguments of :func:`load_classes`.
        rpn_head: Config of a :class:`BackgroundAwareRPNHead`.
        roi_head: Config of a :class:`ZeroShotRoIHead`.
        test_cfg: That of mmdet's detectors, with ``rcnn.mode``: ``'seen'`` (default), ``'unseen'``
            or ``'generalized'``; more in :class:`ZeroShotBBoxHead`.
        kwargs: See mmdet's ``TwoStageDetector``.

    Attributes:
        classes: Names and vectors, seen and unseen.
        detected: The classes that are detected where a call does not say which.

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
        self.classes = loaded
        self.detected = loaded.detected(self.roi_head.test_cfg.get('mode', 'seen'))
        self.dataset_meta = {}
        self.rpn_head.set_background(loaded.background)
        self.roi_head.bind_background(self.rpn_head.background_vector)
        self.roi_head.bbox_head.set_vocabulary(loaded.vocabulary)
        for vectors in self.roi_head.class_vectors:
            vectors.set(loaded.seen, loaded.background)

    @property
    def split(self) -> ZeroShotSplit:
        """Names of the seen and unseen classes."""
        return self.classes.split

    @property
    def mode(self) -> str:
        """Which classes are detected: ``'seen'``, ``'unseen'`` or ``'generalized'``."""
        return self.detected.mode

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels that are detected."""
        return self.detected.names

    def choose_classes(
        self,
        names: ClassList | None = None,
        vectors: Tensor | np.ndarray | None = None,
        mode: str | None = None,
    ) -> DetectedClasses:
        """What :meth:`predict` is to detect; the model itself does not change.

        Args:
            names: K names, other than those of the seen classes, or a text file with one per line;
                by default the unseen classes of :meth:`set_classes`, at first of the config.
            vectors: (K, D) as a file of the same kind has them: they are centred and scaled as
                those of the model's own classes; by default from the file it was built with.
            mode: ``'unseen'`` for these classes alone, ``'generalized'`` for the seen ones too,
                ``'seen'``, without ``names``, for the seen ones alone. By default ``'unseen'`` if
                there are ``names``, else that of :meth:`set_mode`, at first of the config.

        Raises:
            ValueError: If a name is there twice or is a seen class, has no vector or a zero one,
                the vectors do not fit in number or length or have no names, or there is no such
                mode or no class in it.
        """
        return self._chosen(names, vectors, mode)[1]

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
        self.classes, self.detected = self._chosen(names, vectors, mode)
        self.dataset_meta.update(classes=self.class_names)  # in place, for who holds it

    def set_mode(self, mode: str) -> None:
        """Choose the classes to detect.

        Args:
            mode: ``'seen'``, ``'unseen'`` or ``'generalized'``.

        Raises:
            ValueError: If there is no such mode, or no unseen class.
        """
        self.detected = self.classes.detected(mode)
        self.dataset_meta.update(classes=self.class_names)  # in place, for who holds it

    def _chosen(
        self, names: ClassList | None, vectors: Tensor | np.ndarray | None, mode: str | None
    ) -> tuple[ZeroShotClasses, DetectedClasses]:
        if names is None:
            if vectors is not None:
                raise ValueError('vectors need the names of their classes: give names too')
            return self.classes, self.classes.detected(mode or self.mode)
        if mode == 'seen':
            raise ValueError(
                "mode='seen' detects the classes of the training: leave the other classes out, or "
                "take 'unseen' or 'generalized'"
            )
        classes = self.classes.with_unseen(names, vectors)
        return classes, classes.detected(mode or 'unseen')

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
        self,
        batch_inputs: Tensor,
        batch_data_samples: list[DetDataSample],
        rescale: bool = True,
        detected: DetectedClasses | None = None,
    ) -> list[DetDataSample]:
        """Detect objects; see also mmdet's ``TwoStageDetector``.

        Args:
            batch_inputs: Images as the data preprocessor gives them.
            batch_data_samples: A sample of each image.
            rescale: Whether boxes and masks are brought back to the original size.
            detected: The classes to detect, of :meth:`choose_classes`; by default those of
                :meth:`set_classes` and :meth:`set_mode`.

        Returns:
            The samples with ``pred_instances``. Each is told ``zeroshot_classes``, the names of its
            labels, so that the metric can refuse those of other classes than its own.
        """
        detected = detected or self.detected
        _tell(batch_data_samples, detected)
        samples = super().predict(batch_inputs, batch_data_samples, rescale)
        for sample in samples:
            del sample.detected_classes  # vectors, which nobody wants in a file of predictions
            sample.set_metainfo(dict(zeroshot_classes=detected.names))
        return samples

    def _forward(self, batch_inputs: Tensor, batch_data_samples: list[DetDataSample]) -> tuple:
        _tell(batch_data_samples, self.detected)
        return super()._forward(batch_inputs, batch_data_samples)


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


def _tell(samples: list[DetDataSample], detected: DetectedClasses) -> None:
    """Put the classes to detect into the meta information of each sample, uncopied."""
    for sample in samples:
        sample.set_field(detected, 'detected_classes', field_type='metainfo')


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
