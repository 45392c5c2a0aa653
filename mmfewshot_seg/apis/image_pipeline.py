"""From an image of a user to what a few-shot network sees, by the transforms of a config's test."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import mmcv.transforms  # noqa: F401  registers LoadImageFromFile and others for pipelines
import numpy as np
from mmengine.config import ConfigDict
from mmengine.dataset import Compose
from PIL import Image

from mmfewshot_seg.apis.video import video_frame
from mmfewshot_seg.datasets.sources.image_files import (
    check_image_array,
    decoding,
    deep_image,
    eight_bits,
)
from mmfewshot_seg.datasets.sources.masks import DEEP_MODES, turned
from mmfewshot_seg.datasets.transforms import (
    BoundingBoxAnnotation,
    LoadEpisodeMask,
    PlaceSuperpixelSeeds,
    ScribbleAnnotation,
)

# What needs a data set, or does what the head does for a single image.
_LEFT_OUT = (LoadEpisodeMask, BoundingBoxAnnotation, ScribbleAnnotation, PlaceSuperpixelSeeds)


class ImagePipeline:
    """Transforms of single images with labels, without a data set.

    Args:
        transforms: Configs, beginning with ``LoadImageFromFile``; what loads or changes labels by
            a data set is left out.

    Raises:
        ValueError: If they begin otherwise.
    """

    def __init__(self, transforms: Sequence[dict]) -> None:
        # Registers them; here, because detectors use this file too and need no mmseg.
        import_module('mmseg.datasets.transforms')
        self.config = list(transforms)
        loader, *others = transforms
        if loader['type'].rpartition('.')[2] != 'LoadImageFromFile':
            raise ValueError(f'the pipeline must begin with LoadImageFromFile, not {loader}')
        self.loader = Compose([dict(loader, type='mmseg.InferencerLoader')])
        self.others = Compose(others)
        self.others.transforms = [t for t in self.others.transforms if not isinstance(t, _LEFT_OUT)]

    def load(self, image: str | Path | np.ndarray | Image.Image) -> np.ndarray:
        """(H, W, 3) BGR image of a path, array or PIL image, turned by its EXIF orientation.

        ``film.mp4#12`` is a frame of a video, the first is 0. Of files and PIL images of more than
        8 bits see :func:`eight_bits`.

        Raises:
            ValueError: If a file cannot be read, or an array is not (H, W, 3) uint8.
            TypeError: If ``image`` is neither.
        """
        if isinstance(image, np.ndarray):
            check_image_array(image)
            return self.loader(image)['img']
        if isinstance(image, Image.Image):
            return self.load(pil_to_bgr(image))
        if not isinstance(image, str | Path):
            raise TypeError(
                f'an image is a path, an array or a PIL image, not {type(image).__name__}'
            )
        if (frame := video_frame(image)) is not None:
            return frame
        with decoding(str(image)):
            deep = deep_image(str(image))
            return self.loader(str(image) if deep is None else eight_bits(deep))['img']

    def __call__(self, image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the network sees: (3, H', W') image, and (H', W') label, 255 where it is padded."""
        results = dict(
            img=image,
            img_path=None,
            img_shape=image.shape[:2],
            ori_shape=image.shape[:2],
            gt_seg_map=label,
            seg_fields=['gt_seg_map'],
        )
        results = self.others(results)
        return results['img'].transpose(2, 0, 1), results['gt_seg_map']


def pil_to_bgr(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 of a PIL image."""
    with decoding('the image'):
        image = turned(image)
        if image.mode in DEEP_MODES:
            return np.repeat(eight_bits(np.array(image))[..., None], 3, 2)
        return np.array(image.convert('RGB'))[..., ::-1]


def pipelines_of_test(cfg: ConfigDict) -> tuple[ImagePipeline, ImagePipeline]:
    """Pipelines of supports and of queries in the test of a few-shot config.

    Raises:
        ValueError: If the config has none.
    """
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    pipelines = [
        dataset.get(f'{role}_pipeline') or dataset.get('pipeline') for role in ('support', 'query')
    ]
    if not all(pipelines):
        raise ValueError(
            'the config names no transforms of images: it needs test_dataloader.dataset.pipeline, '
            'or support_pipeline and query_pipeline'
        )
    support, query = map(ImagePipeline, pipelines)
    return support, query
