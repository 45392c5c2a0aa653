"""What the page asks for, as plain values that JSON takes."""

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from pathlib import PurePath
from threading import Lock
from uuid import uuid4

import cv2
import numpy as np

from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.results.area_table import AreaTable
from mmfewshot_seg.results.coco_file import CocoFile
from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import find_instances
from mmfewshot_seg.results.labelme_file import labelme_text
from mmfewshot_seg.structures import SupportState
from mmfewshot_seg.visualization.overlay import COLOURS, overlay
from mmfewshot_seg.web.dropped_annotations import dropped_examples
from mmfewshot_seg.web.fields import fields, naming, wrong_kind
from mmfewshot_seg.web.images import (
    MAX_PIXELS,
    check_pixels,
    decode_bytes,
    decode_image,
    decode_mask,
    encode,
    encode_labels,
    encode_picture,
    fitted_label,
    seen_image,
)
from mmfewshot_seg.web.server import Answers, RefusedError

MAX_SETS = 16
MAX_RESULTS = 2000
MAX_SUPPORTS = 100
WAIT_SECONDS = 60
# The page's tool that draws each shape of an annotation, in the order of drawing.
_TOOLS = {'polygons': 'polygon', 'background': 'background', 'scribbles': 'brush'}


class Visits:
    """Answers visitors, one after the other; the support sets of the last ones are kept.

    Args:
        inferencer: Model that answers; its own support set is left alone.
    """

    def __init__(self, inferencer: FewShotInferencer) -> None:
        self.inferencer = inferencer
        self._states: OrderedDict[str, SupportState] = OrderedDict()
        self._results: OrderedDict[str, ImageResult] = OrderedDict()
        self._singles: dict[str, FittedSupports] = {}
        self._work = Lock()

    @property
    def answers(self) -> Answers:
        """By path, see :class:`PageServer`."""
        return {
            '/start': self.start,
            '/support': self.support,
            '/check': self.check,
            '/annotations': self.annotations,
            '/segment': self.segment,
            '/files': self.files,
        }

    def start(self, request: dict) -> dict:
        """What the page begins with.

        Args:
            request: Without fields.

        Returns:
            ``colours``: RGB of each class; ``max_pixels`` of an image; ``negatives``: whether the
            model learns from images that show no class; ``examples``: see :func:`examples`;
            ``hint``: why there are none, and the cure.
        """
        fields(request, 'the request')
        try:
            shown, hint = examples(), ''
        except ImportError as error:
            shown, hint = [], str(error)
        return dict(
            colours=COLOURS,
            max_pixels=MAX_PIXELS,
            negatives=self.inferencer.model.decode_head.takes_negatives,
            examples=shown,
            hint=hint,
        )

    def support(self, request: dict) -> dict:
        """Fit a support set, or find it again.

        Args:
            request: ``supports``: dicts of ``name``, ``image`` and ``mask``, see
                :func:`decode_mask`; ``negatives``: images that show none of the classes.

        Returns:
            ``support``: what :meth:`segment` takes; ``classes``: names of its classes.

        Raises:
            ValueError: If an image, mask or name is unusable.
            RefusedError: If others are asking for too much.
        """
        supports, negatives = fields(request, 'the request', supports=list, negatives=list)
        if len(supports) + len(negatives) > MAX_SUPPORTS:
            raise ValueError(f'a support set of the page has at most {MAX_SUPPORTS} images')
        images, masks, names = [], [], []
        for number, support in enumerate(supports, start=1):
            where = f'support {number}'
            name, image, mask = fields(support, where, name=str, image=str, mask=str)
            if not name.strip():
                raise ValueError(f'{where} has no class name')
            with self._turn(), naming(f'{where} ({name.strip()})'):
                images.append(seen_image(decode_image(image)))
                masks.append(fitted_label(decode_mask(mask), images[-1].shape[:2]))
            names.append(name.strip())
        without = []
        for number, image in enumerate(negatives, start=1):
            if not isinstance(image, str):
                raise ValueError(wrong_kind(f'negatives {number}', str, image))
            with self._turn(), naming(f'negative {number}'):
                without.append(seen_image(decode_image(image)))
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        with self._turn():
            if key not in self._states:
                singles = self.inferencer.fit_singly(images, masks, names, negatives=without)
                self._states[key] = self.inferencer.joined(singles)
                self._singles[key] = singles
                if len(self._states) > MAX_SETS:
                    del self._singles[self._states.popitem(last=False)[0]]
            self._states.move_to_end(key)
            return dict(support=key, classes=self._states[key].class_names)

    def check(self, request: dict) -> dict:
        """Say which supports do not fit the others.

        Args:
            request: ``support`` of :meth:`support`.

        Returns:
            ``checks``: for each support, class by class, a dict of ``name``, ``iou`` of its mask
            and what the others find in it (None if no other shows the class), and ``reason`` why it
            does not fit, or ''.

        Raises:
            ValueError: If the support set is no longer known.
            RefusedError: If others are asking for too much.
        """
        (key,) = fields(request, 'the request', support=str)
        with self._turn():
            self._known(key)
            checks = self.inferencer.check_support(self._singles[key])
        return dict(
            checks=[
                dict(
                    name=check.class_name,
                    iou=None if math.isnan(check.iou) else check.iou,
                    reason=check.reason,
                )
                for check in checks
            ]
        )

    def annotations(self, request: dict) -> dict:
        """Read files of annotations, and make examples of them.

        Args:
            request: ``images``: dicts of ``name``, ``width`` and ``height``; ``files``: dicts of
                ``name`` and ``content``, a data URL.

        Returns:
            ``examples``, ``errors`` and ``unmarked``, see :func:`dropped_examples`.

        Raises:
            ValueError: If a field is wrong, or there are more examples than a support set has.
            RefusedError: If others are asking for too much.
        """
        images, files = fields(request, 'the request', images=list, files=list)
        sizes, contents = [], []
        for number, image in enumerate(images, start=1):
            where = f'image {number}'
            name, width, height = fields(image, where, name=str, width=int, height=int)
            with naming(f'{where} ({name})'):
                check_pixels(width, height)
            sizes.append((name, (height, width)))
        for number, file in enumerate(files, start=1):
            where = f'file {number}'
            name, content = fields(file, where, name=str, content=str)
            with naming(f'{where} ({name})'):
                contents.append((name, decode_bytes(content)))
        return dropped_examples(contents, sizes, MAX_SUPPORTS, self._turn)

    def segment(self, request: dict) -> dict:
        """Segment a query.

        Args:
            request: ``support`` of :meth:`support`, and ``image``, a data URL.

        Returns:
            Data URLs ``overlay`` to look at, and ``labels`` (label map with a palette, of the
            image's size); ``shares``: part of the image that each class covers; ``found``: whether
            it is sure enough that the image shows each class at all; ``result``: what
            :meth:`files` takes.

        Raises:
            ValueError: If the image cannot be decoded, or the support set is no longer known.
            RefusedError: If others are asking for too much.
        """
        key, image = fields(request, 'the request', support=str, image=str)
        with self._turn():
            state = self._known(key)
            with naming('image'):
                query = decode_image(image)
            seen = seen_image(query)
            prediction = self.inferencer(seen, support=state)['predictions'][0]
            labels = prediction['label_map']
            painted = overlay(np.ascontiguousarray(seen[..., ::-1]), labels)
            size = query.shape[1::-1]
            whole = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
            ways = range(1, len(state.class_names) + 1)
            return dict(
                overlay=encode_picture(painted[..., ::-1]),
                labels=encode_labels(whole),
                shares=[float((labels == way).mean()) for way in ways],
                found=self._found(state, prediction['presence']),
                result=self._keep(whole, prediction, state.class_names),
            )

    def files(self, request: dict) -> dict:
        """Files of results, as the inferencer writes them.

        Args:
            request: ``results``: dicts of ``result`` of :meth:`segment`, and ``file``, the name of
                the image, no two alike.

        Returns:
            Contents: ``coco`` and ``areas`` of all images, and ``labelme``, one for each.

        Raises:
            ValueError: If a result is no longer known.
            RefusedError: If others are asking for too much.
        """
        (results,) = fields(request, 'the request', results=list)
        if len(results) > MAX_RESULTS:
            raise ValueError(f'the page keeps at most {MAX_RESULTS} results')
        coco, areas, labelme = CocoFile(), AreaTable(), []
        for number, one in enumerate(results, start=1):
            key, file = fields(one, f'result {number}', result=str, file=str)
            with self._turn():
                result = self._results.get(key)
                if result is None:
                    raise ValueError(f'the result of {file} is no longer known: segment it again')
                result = replace(result, name=PurePath(file).stem, path=PurePath(file).name)
                coco.add(result)
                areas.add(result)
                labelme.append(labelme_text(result, PurePath(file).name))
        return dict(coco=coco.text(), areas=areas.text(), labelme=labelme)

    def _keep(self, labels: np.ndarray, prediction: dict, class_names: Sequence[str]) -> str:
        """Keep what was found in an image, and not what was found longest ago.

        Args:
            labels: (H, W) of the size of the image.
            prediction: Label map and scores of the size that was looked at.
            class_names: Names of the labels.
        """
        chosen = prediction['label_map'][None].astype(int)
        certainty = np.take_along_axis(prediction['scores'], chosen, 0)[0]
        certainty = cv2.resize(certainty, labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
        instances = find_instances(labels, certainty, class_names)
        key = uuid4().hex
        self._results[key] = ImageResult(key, None, labels.shape, class_names, instances)
        if len(self._results) > MAX_RESULTS:
            self._results.popitem(last=False)
        return key

    def _known(self, key: str) -> SupportState:
        state = self._states.get(key)
        if state is None:
            raise ValueError('the support set is no longer known: send it again')
        return state

    def _found(self, state: SupportState, presence: np.ndarray) -> list[bool]:
        if self.inferencer.model.decode_head.presence_levels is None:
            return [True] * len(presence)  # who knows
        return (presence >= self.inferencer.presence_thresholds(state)).tolist()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One image at a time, so that memory and processors suffice for every visitor."""
        if not self._work.acquire(timeout=WAIT_SECONDS):
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE, 'others are asking for much: try again later'
            )
        try:
            yield
        finally:
            self._work.release()


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
