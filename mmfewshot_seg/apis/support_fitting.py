"""A support set of a user, from what the user has to fitted supports."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from mmfewshot_seg.annotations.annotation_label import Annotation, annotation_label
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.apis.support_set import Image, as_list, group_supports, read_supports
from mmfewshot_seg.datasets.sources.masks import Value, check_choice
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.structures import SupportState


class Reading(TypedDict, total=False):
    """How supports are read.

    Attributes:
        mask_suffix: In a folder, how the name of a mask goes on after the stem of its image; by
            default as is usual, ``'.png'``, ``'_mask.png'`` or ``'.json'``.
        mask_threshold: Grey value from which on a pixel of a mask is of the class, for masks with
            smooth edges.
        negatives: Images that show none of the classes: all of them is background. Only heads with
            ``takes_negatives`` know what to do with them.
        mask_value: Value, or RGB colour, of the class in a mask of several classes.
        class_values: Value, or RGB colour, of each class in a folder of images with label maps;
            else a file in the folder says it.
        img_dir: Folder of the images of a json or XML; else they are looked for.
        max_shots: At most so many supports of a class from a file or folder, spread evenly over
            the images that show it, in their order.
    """

    mask_suffix: str | None
    mask_threshold: float | None
    negatives: Image | Sequence[Image]
    mask_value: Value | None
    class_values: Mapping[str, Value] | None
    img_dir: str | Path | None
    max_shots: int | None


@dataclass(frozen=True)
class Support:
    """A single support that is not fitted yet.

    Attributes:
        image: What it shows.
        annotation: What marks the class; None for a negative.
        class_name: Name of the class; None for a negative.
        threshold: See ``mask_threshold`` of :class:`Reading`.
        value: See ``mask_value`` of :class:`Reading`.
    """

    image: Image
    annotation: Annotation | None = None
    class_name: str | None = None
    threshold: float | None = None
    value: Value | None = None

    def label(self, shape: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8 of an image of this shape: 1 the class, 0 background, 255 not annotated."""
        if self.annotation is None or self.class_name is None:
            return np.zeros(shape, np.uint8)
        return annotation_label(self.annotation, shape, self.class_name, self.threshold, self.value)


def list_supports(
    images: Image | Sequence,
    masks: Annotation | Sequence | None = None,
    class_names: str | Sequence[str] | None = None,
    mask_suffix: str | None = None,
    mask_threshold: float | None = None,
    negatives: Image | Sequence[Image] = (),
    mask_value: Value | None = None,
    class_values: Mapping[str, Value] | None = None,
    img_dir: str | Path | None = None,
    max_shots: int | None = None,
) -> list[Support]:
    """Supports of what :meth:`FewShotInferencer.set_support` takes, class by class.

    Raises:
        ValueError: If images, masks and names do not fit.
        FileNotFoundError: If there is no such file or folder.
    """
    check_choice(mask_threshold, mask_value)
    negatives = as_list(negatives)
    if negatives and not as_list(images):
        supports = {}
    elif not as_list(images) and masks is None:
        raise ValueError('there is nothing to add: give images, a folder or negatives')
    elif masks is None and isinstance(images, str | Path):
        supports = read_supports(
            images,
            class_names,
            max_shots,
            mask_suffix=mask_suffix,
            mask_threshold=mask_threshold,
            mask_value=mask_value,
            class_values=class_values,
            img_dir=img_dir,
        )
    elif masks is None or class_names is None:
        raise ValueError(
            'set_support takes images, masks and class names; or a file or folder of annotations, '
            'with or without the names of the classes that count'
        )
    elif class_values or img_dir or max_shots:
        raise ValueError(
            'class_values, img_dir and max_shots are for a file or folder of annotations; here '
            'each image has its mask'
        )
    else:
        supports = group_supports(images, masks, class_names)
    return [
        Support(image, annotation, name, mask_threshold, mask_value)
        for name, pairs in supports.items()
        for image, annotation in pairs
    ] + [Support(image) for image in negatives]


def fit_supports(
    model: FewShotSegmentor,
    pipeline: ImagePipeline,
    supports: Sequence[Support],
    tracked: Callable[[Iterable[Support], int], Iterable[Support]],
) -> FittedSupports:
    """Fit supports one by one.

    Args:
        model: The network.
        pipeline: What loads and transforms supports for it.
        supports: What :func:`list_supports` gave.
        tracked: Shows progress; gets the supports and their number.

    Raises:
        ValueError: If the network takes no negatives and there are some, or an image or mask is
            unusable.
    """
    if any(support.class_name is None for support in supports):
        check_takes_negatives(model)
    fitted = FittedSupports()
    for support in tracked(supports, len(supports)):
        name = support.class_name
        states = fitted.negatives if name is None else fitted.shots.setdefault(name, [])
        try:
            states.append(_fit(model, pipeline, support))
        except ValueError as error:
            path = f' ({support.image})' if isinstance(support.image, str | Path) else ''
            number = len(states) + 1
            what = f'support {number} of {name!r}' if name else f'negative {number}'
            raise ValueError(f'{what}{path}: {error}') from error
    return fitted


def check_takes_negatives(model: FewShotSegmentor) -> None:
    """Refuse negatives for a head that does not know what to do with them.

    Raises:
        ValueError: If it does not.
    """
    if not model.decode_head.takes_negatives:
        raise ValueError(
            f'{type(model.decode_head).__name__} takes no negatives; DenseMatchingHead does, '
            'which FewShotInferencer() has'
        )


def _fit(model: FewShotSegmentor, pipeline: ImagePipeline, support: Support) -> SupportState:
    """State of one support by itself, with what :class:`FittedSupports` says it was fitted on."""
    image = pipeline.load(support.image)
    seen, label = map(torch.from_numpy, pipeline(image, support.label(image.shape[:2])))
    if support.class_name is not None and not (label == 1).any():
        size = 'x'.join(map(str, label.shape))
        raise ValueError(f'what the mask marks is too small: nothing is left of it at {size}')
    inputs = dict(support=[seen[None, None]], support_masks=[label[None, None]])
    inputs = model.data_preprocessor(dict(inputs=inputs))['inputs']
    state = model.fit_support(inputs['support'], inputs['support_masks'])
    path = str(support.image) if isinstance(support.image, str | Path) else None
    state.set_metainfo(dict(path=path, seen=seen, label=label))
    return state
