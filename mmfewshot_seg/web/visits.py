"""What the page asks for, as plain values that JSON takes; images are data URLs."""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from threading import Lock

import cv2
import numpy as np

from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.structures import SupportState
from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.visualization.overlay import COLOURS, overlay

MAX_SUPPORTS = 16
# The page's tool that draws each shape of an annotation, in the order of drawing.
_TOOLS = {'polygons': 'polygon', 'background': 'background', 'scribbles': 'brush'}


class Visits:
    """Answers visitors, one after the other; the support sets of the last ones are kept.

    Args:
        inferencer: Its support set changes with every answer.
    """

    def __init__(self, inferencer: FewShotInferencer) -> None:
        self.inferencer = inferencer
        self._states: OrderedDict[str, SupportState] = OrderedDict()
        self._lock = Lock()

    def support(self, supports: list[dict]) -> dict:
        """Fit a support set, or find it again.

        Args:
            supports: Dicts of ``name``, ``image`` and ``mask``, see :func:`decode_mask`.

        Returns:
            ``support``: what :meth:`segment` takes; ``classes``: names of its classes.

        Raises:
            ValueError: If an image, mask or name is unusable.
        """
        for number, support in enumerate(supports, start=1):
            if not support['name'].strip():
                raise ValueError(f'image {number} has no class name')
        key = hashlib.sha256(json.dumps(supports).encode()).hexdigest()
        with self._lock:
            if key not in self._states:
                images = [decode_image(support['image']) for support in supports]
                masks = [decode_mask(support['mask']) for support in supports]
                names = [support['name'].strip() for support in supports]
                self.inferencer.set_support(images, masks, names)
                self._states[key] = self.inferencer.state
                if len(self._states) > MAX_SUPPORTS:
                    self._states.popitem(last=False)
            self._states.move_to_end(key)
            names = self._states[key].class_names
        return dict(support=key, classes=names)

    def segment(self, support: str, image: str) -> dict:
        """Segment a query.

        Args:
            support: Of :meth:`support`.
            image: Data URL.

        Returns:
            ``overlay`` and ``labels`` (values as in the label map): data URLs; ``shares``: part of
            the image that each class covers.

        Raises:
            ValueError: If the image cannot be decoded, or the support set is no longer known.
        """
        query = decode_image(image)
        with self._lock:
            if support not in self._states:
                raise ValueError('the support set is no longer known: send it again')
            self.inferencer.state = self._states[support]
            labels = self.inferencer(query)['predictions'][0]['label_map']
            ways = range(1, len(self.inferencer.class_names) + 1)
        painted = overlay(np.ascontiguousarray(query[..., ::-1]), labels)
        return dict(
            overlay=encode(painted[..., ::-1]),
            labels=encode(labels),
            shares=[float((labels == way).mean()) for way in ways],
        )


def start() -> dict:
    """What the page begins with.

    Returns:
        ``colours``: RGB of each class; ``examples``: see :func:`examples`; ``hint``: why there are
        none, and the cure.
    """
    try:
        return dict(colours=COLOURS, examples=examples(), hint='')
    except ImportError as error:
        return dict(colours=COLOURS, examples=[], hint=str(error))


@cache
def examples() -> list[dict]:
    """Photographs to try the page with.

    Returns:
        Dicts of ``name`` of the class, ``support`` and ``query`` (data URLs), and the ``strokes``
        that mark the class in the support, see :func:`strokes`.

    Raises:
        ImportError: If scikit-image is not installed.
    """
    return [
        dict(
            name=photograph.name,
            support=encode(photograph.support),
            strokes=strokes(photograph.annotation),
            query=encode(photograph.query),
        )
        for photograph in example_photographs()
    ]


def strokes(annotation: Mapping) -> list[dict]:
    """What a visitor would draw for polygons and scribbles of :func:`annotation_label`.

    Returns:
        Dicts of ``tool``, ``width`` and ``points``, as the page keeps them.
    """
    width = annotation.get('width', 3) + 2  # OpenCV's lines are so much wider than they say
    return [
        dict(tool=tool, width=width, points=points)
        for shape, tool in _TOOLS.items()
        for points in annotation.get(shape, ())
    ]


def decode_image(url: str) -> np.ndarray:
    """(H, W, 3) uint8 BGR image of a data URL.

    Raises:
        ValueError: If it is none.
    """
    return _decode(url, cv2.IMREAD_COLOR)


def decode_mask(url: str) -> np.ndarray:
    """Label map of a painted mask.

    Args:
        url: Data URL of a PNG with transparency: red paint is the class, blue the background,
            what is not painted is background too; but not annotated if there is blue.

    Returns:
        (H, W) uint8: 0 background, 1 class, 255 not annotated.

    Raises:
        ValueError: If it is none.
    """
    image = _decode(url, cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4:
        raise ValueError('a mask is a PNG with transparency')
    painted, red = image[..., 3] > 127, image[..., 2] > image[..., 0]
    label = np.full(painted.shape, IGNORED if (painted & ~red).any() else 0, np.uint8)
    label[painted] = red[painted]
    return label


def encode(image: np.ndarray) -> str:
    """Data URL of a PNG."""
    data = cv2.imencode('.png', image)[1].tobytes()
    return 'data:image/png;base64,' + base64.b64encode(data).decode()


def _decode(url: str, flags: int) -> np.ndarray:
    try:
        data = base64.b64decode(url.partition(',')[2], validate=True)
    except binascii.Error as error:
        raise ValueError(f'not a data URL ({error})') from error
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise ValueError('not an image that can be decoded')
    return image
