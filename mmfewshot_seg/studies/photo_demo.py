"""The demo's part on photographs: classes marked in one image, found in others without training."""

from collections.abc import Iterator
from pathlib import Path

import mmcv
import numpy as np
from mmengine.utils import track_iter_progress

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.apis.photographs import Photograph, example_photographs
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.structures.labels import IGNORED
from mmfewshot_seg.visualization.tiles import CAPTION, GAP, stack, tile

WIDTH = 440  # of a landscape in the picture


def segment_examples(path: Path) -> Path:
    """Segment the example photographs, and write one picture of examples and results.

    Raises:
        ImportError: If timm or scikit-image is not installed.
        ValueError: If the packaged weights are not installed.
    """
    inferencer = FewShotInferencer(show_progress=False)
    motorcycle, coins, glands = (
        (photograph, _found(inferencer, photograph))
        for photograph in track_iter_progress(list(example_photographs()))
    )
    landscapes = stack(
        [
            _example_and_result(*seen, scale=WIDTH / seen[0].support.shape[1])
            for seen in (motorcycle, coins)
        ]
    )
    height = landscapes.shape[0] - CAPTION - GAP
    portraits = _example_and_result(*glands, scale=height / glands[0].support.shape[0])
    mmcv.imwrite(stack([[landscapes, *portraits]])[..., ::-1], str(path), backend_args=WHOLE)
    return path


def segment_folders(
    support: Path, queries: Path, out_dir: Path, mask_suffix: str = '.png'
) -> Iterator[Path]:
    """Segment photographs of a user by a support set of theirs.

    Args:
        support: Folder of class folders with images and masks.
        queries: Folder of images.
        out_dir: Folder of pictures and label maps.
        mask_suffix: How the name of a mask goes on after the stem of its image; ``'.json'`` for
            files of LabelMe.

    Yields:
        Paths of what is written: for each query a picture and a label map.

    Raises:
        FileNotFoundError: If there is no such folder.
        ImportError: If timm is not installed.
        ValueError: If a folder, an image or a mask is unusable.
    """
    for folder in (support, queries):
        if not folder.is_dir():
            raise FileNotFoundError(f'there is no folder {folder}')
    inferencer = FewShotInferencer().set_support(support, mask_suffix=mask_suffix)
    for batch in inferencer.stream(queries, return_datasamples=True, out_dir=str(out_dir)):
        for sample in batch['predictions']:
            yield out_dir / 'vis' / f'{sample.name}.jpg'
            yield out_dir / 'pred' / f'{sample.name}.png'


def _found(inferencer: FewShotInferencer, photograph: Photograph) -> np.ndarray:
    """(H, W) label map of the query."""
    inferencer.set_support(photograph.support, photograph.annotation, photograph.name)
    return inferencer(photograph.query)['predictions'][0]['label_map']


def _example_and_result(
    photograph: Photograph, found: np.ndarray, scale: float
) -> list[np.ndarray]:
    size = photograph.support.shape[:2]
    marked = _painted(annotation_label(photograph.annotation, size, photograph.name))
    frame = tuple(round(side * scale) for side in size)
    return [
        tile(np.ascontiguousarray(image[..., ::-1]), caption, labels, frame=frame)
        for image, caption, labels in (
            (photograph.support, f'{photograph.name}: the only example', marked),
            (photograph.query, f'{photograph.name}: found without training', found),
        )
    ]


def _painted(label: np.ndarray) -> np.ndarray:
    """Labels as they are painted: scribbles on the background are seen, the rest left alone."""
    if not (label == IGNORED).any():
        return label
    return np.select([label == 1, label == 0], [1, 2])
