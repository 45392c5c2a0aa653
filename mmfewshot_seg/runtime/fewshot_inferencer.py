"""Few-shot segmentation with exported graphs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmfewshot_seg.functional.bilinear import resize_bilinear
from mmfewshot_seg.functional.edge_refinement import check_method, refine_edges
from mmfewshot_seg.functional.probabilities import softmax
from mmfewshot_seg.runtime.images import ImageSource, ImageSteps, load_image, load_label
from mmfewshot_seg.runtime.join import JOINS, State
from mmfewshot_seg.runtime.onnx_graph import OnnxGraph


class OnnxFewShotInferencer:
    """Segments images by a few annotated ones; what ``FewShotInferencer`` does, without PyTorch.

    Args:
        folder: What ``tools/export.py`` wrote of a few-shot network: ``support.onnx`` and
            ``query.onnx``.
        threads: Threads of ONNX Runtime; by default as many as there are cores.
        refine: Whether predictions follow the edges of the image: ``'grabcut'``, ``'guided'``, see
            :func:`refine_edges`, or None. ``'config'``: as the config of the network says.

    Attributes:
        class_names: Names of labels 1..N, in the order in which they were first given.
        state: The fitted support set, arrays by name, as ``query.onnx`` takes them; None before
            :meth:`set_support`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file was written by something else, the two are of unlike networks, or
            ``refine`` is unknown.

    Example::

        inferencer = OnnxFewShotInferencer('exported')
        inferencer.set_support(['a.jpg', 'b.jpg'], ['a.png', 'b.png'], ['zebra', 'zebra'])
        result = inferencer('query.jpg')
        result['label_map'], result['scores']   # (H, W) 0 background, 1 zebra; (2, H, W)
    """

    def __init__(
        self, folder: str | Path, threads: int | None = None, refine: str | None = 'config'
    ) -> None:
        self.support_graph, self.query_graph = (
            OnnxGraph(Path(folder, f'{role}.onnx'), f'few-shot {role}', threads)
            for role in ('support', 'query')
        )
        fingerprints = {graph.meta['weights'] for graph in (self.support_graph, self.query_graph)}
        if len(fingerprints) > 1:
            raise ValueError(
                f'support.onnx and query.onnx in {folder} are of networks with unlike weights: '
                'export both anew'
            )
        self.refine = self.query_graph.meta['refine'] if refine == 'config' else refine
        check_method(self.refine)
        self._support_steps = ImageSteps(self.support_graph.meta)
        self._query_steps = ImageSteps(self.query_graph.meta)
        self.class_names: tuple[str, ...] = ()
        self.state: State | None = None

    def set_support(
        self,
        images: Sequence[ImageSource],
        masks: Sequence[ImageSource],
        class_names: str | Sequence[str],
        negatives: Sequence[ImageSource] = (),
    ) -> 'OnnxFewShotInferencer':
        """Fit a support set, instead of the one before.

        Args:
            images: Paths, (H, W, 3) uint8 BGR arrays or PIL images.
            masks: A mask for each: (H, W) arrays, files or PIL images, see :func:`load_label`.
            class_names: A name for each, repeated where images show the same class; or one for all.
            negatives: Images that show none of the classes, for dense matching.

        Returns:
            This inferencer.

        Raises:
            ValueError: If the numbers differ, there is none, an image or mask is unusable, or the
                network takes no negatives.
        """
        if isinstance(class_names, str):  # else each letter would be a class
            class_names = [class_names] * len(images)
        if not len(images) == len(masks) == len(class_names) or not len(images):
            raise ValueError(
                f'{len(images)} images, {len(masks)} masks and {len(class_names)} class names: '
                'expected as many of each, and at least one'
            )
        if negatives and not self.query_graph.meta['takes_negatives']:
            raise ValueError('this network takes no negatives; dense matching does')
        shots: dict[str, list[State]] = {name: [] for name in class_names}
        if len(shots) > 254:
            raise ValueError(f'a support set has 1 to 254 classes, not {len(shots)}')
        triples = zip(images, masks, class_names, strict=True)
        for number, (image, mask, name) in enumerate(triples, start=1):
            try:
                shots[name].append(self._fit(load_image(image), mask))
            except ValueError as error:
                raise ValueError(f'support {number} ({name}): {error}') from error
        others = [self._fit(load_image(image), None) for image in negatives]
        join = JOINS[self.query_graph.meta['join']]
        self.state = join(list(shots.values()), others)
        self.class_names = tuple(shots)
        return self

    def __call__(self, image: ImageSource) -> dict[str, np.ndarray]:
        """Segment a query.

        Args:
            image: A path, an (H, W, 3) uint8 BGR array or a PIL image.

        Returns:
            ``label_map`` (H, W) uint8, 0 background and n the n-th class, and ``scores``
            (1+N, H, W) float32 that add up to 1, at the size of the image.

        Raises:
            ValueError: If there is no support set, or the image cannot be read.
        """
        if self.state is None:
            raise ValueError('there is no support set yet: call set_support first')
        loaded = load_image(image)
        seen, inside = self._query_steps(loaded, np.ones(loaded.shape[:2], np.uint8))
        height, width = ((inside == 1).any(axis).sum() for axis in (1, 0))
        inputs = dict(image=self._query_steps.normalise(seen)[None], **self.state)
        logits = self.query_graph(**inputs)['logits'][0, :, :height, :width]
        aligned = self.query_graph.meta['align_corners']
        logits = resize_bilinear(logits, loaded.shape[:2], aligned)
        if self.refine:
            logits = refine_edges(logits, loaded, self.refine)
        return dict(label_map=logits.argmax(0).astype(np.uint8), scores=softmax(logits))

    def _fit(self, image: np.ndarray, mask: ImageSource | None) -> State:
        """State of one support by itself; without a mask it is a negative."""
        shape = image.shape[:2]
        label = np.zeros(shape, np.uint8) if mask is None else load_label(mask, shape)
        seen, label = self._support_steps(image, label)
        if mask is not None and not (label == 1).any():
            size = 'x'.join(map(str, label.shape))
            raise ValueError(f'what the mask marks is too small: nothing is left of it at {size}')
        inputs = dict(
            image=self._support_steps.normalise(seen)[None], mask=label[None].astype(np.int64)
        )
        if 'seeds' in self.support_graph.input_names:
            from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds  # needs SciPy

            options = self.support_graph.meta['seeding']
            inputs['seeds'] = superpixel_seeds(label == 1, **options)[None]
        return self.support_graph(**inputs)
