"""Semantic segmentation with an exported graph.

Shape letters: ``K`` channels of logits, ``H W`` size of the image, ``H' W'`` what the network sees.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from mmfewshot_seg.functional.bilinear import resize_bilinear
from mmfewshot_seg.functional.probabilities import sigmoid, softmax
from mmfewshot_seg.runtime.images import ImageSource, ImageSteps, load_image
from mmfewshot_seg.runtime.onnx_graph import OnnxGraph


class OnnxSemanticInferencer:
    """Classes of pixels, and edges if the network is a Gated-SCNN, without PyTorch.

    Args:
        path: ``model.onnx`` of ``tools/export.py``, or the folder that holds it.
        threads: Threads of ONNX Runtime; by default as many as there are cores.

    Attributes:
        class_names: Names of the labels, or None if the config named none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it was written by something else.

    Example::

        inferencer = OnnxSemanticInferencer('exported')
        inferencer('street.jpg')['label_map']   # (H, W)
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        path = Path(path, 'model.onnx') if Path(path).is_dir() else Path(path)
        self.graph = OnnxGraph(path, 'semantic', threads)
        self._steps = ImageSteps(self.graph.meta)
        self.class_names: list[str] | None = self.graph.meta['classes']

    def __call__(self, image: ImageSource) -> dict[str, np.ndarray]:
        """Segment an image.

        Args:
            image: A path, an (H, W, 3) uint8 BGR array or a PIL image.

        Returns:
            At the size of the image: ``label_map`` (H, W) uint8; ``scores`` (K, H, W) float32, that
            add up to 1, or of a network with a single channel its probability; and of Gated-SCNN
            ``edges`` (H, W), the probability of an edge.

        Raises:
            ValueError: If the image cannot be read, or the graph does not take its size.
        """
        loaded = load_image(image)
        seen, _ = self._steps(loaded, np.zeros(loaded.shape[:2], np.uint8))
        maps = self._windows(seen) if self.graph.meta['window'] else self._maps(seen)
        aligned, threshold = self.graph.meta['align_corners'], self.graph.meta['threshold']
        maps = {name: resize_bilinear(m, loaded.shape[:2], aligned) for name, m in maps.items()}
        logits = maps['logits']
        if threshold is None:
            labels, scores = logits.argmax(0), softmax(logits)
        else:
            scores = sigmoid(logits)
            labels = scores[0] > threshold
        edges = dict(edges=sigmoid(maps['edges'][0])) if 'edges' in maps else {}
        return dict(label_map=labels.astype(np.uint8), scores=scores, **edges)

    def _maps(self, seen: np.ndarray) -> dict[str, np.ndarray]:
        """Maps (channels, H', W') of an (H', W', 3) uint8 image."""
        inputs = dict(image=self._steps.normalise(seen)[None])
        if self.graph.meta['gradient']:
            inputs['gradient'] = self._gradient(seen, inputs['image'])
        return {name: maps[0] for name, maps in self.graph(**inputs).items()}

    def _gradient(self, seen: np.ndarray, normalised: np.ndarray) -> np.ndarray:
        """(1, 1, H', W') edges by Canny's detector, which Gated-SCNN joins with its own."""
        gradient = self.graph.meta['gradient']
        if gradient['of'] == 'official':  # normalised values, cut to whole numbers; negatives wrap
            image = normalised[0].transpose(1, 2, 0).astype(np.int64).astype(np.uint8)
        else:
            image = self._steps.ordered(seen)
        edges = cv2.Canny(np.ascontiguousarray(image), *gradient['thresholds'])
        return edges[None, None].astype(np.float32)

    def _windows(self, seen: np.ndarray) -> dict[str, np.ndarray]:
        """Mean of the maps of overlapping windows."""
        height, width = seen.shape[:2]
        sums: dict[str, np.ndarray] = {}
        counts = np.zeros((height, width), np.float32)
        for rows, columns in windows(height, width, **self.graph.meta['window']):
            counts[rows, columns] += 1
            for name, maps in self._maps(seen[rows, columns]).items():
                if name not in sums:
                    sums[name] = np.zeros((len(maps), height, width), np.float32)
                sums[name][:, rows, columns] += maps
        return {name: maps / counts for name, maps in sums.items()}


def windows(
    height: int, width: int, size: tuple[int, int], stride: tuple[int, int]
) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of windows that cover an image, the last ones moved inside it.

    Args:
        height: Of the image.
        width: Of the image.
        size: Height and width of a window; of the image where that is smaller.
        stride: Rows and columns from a window to the next.
    """
    starts = [
        [
            max(min(step * i, side - window), 0)
            for i in range(max(side - window + step - 1, 0) // step + 1)
        ]
        for side, window, step in zip((height, width), size, stride, strict=True)
    ]
    for top in starts[0]:
        for left in starts[1]:
            yield slice(top, top + size[0]), slice(left, left + size[1])
