"""Detects and segments objects of classes that are given by name or by vector.

Shape letters: ``K`` classes, ``D`` length of a word vector, ``H W`` size of an image.
"""

import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import mmcv
import mmengine
import numpy as np
import torch
from mmdet.apis import DetInferencer
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from PIL import Image
from torch import Tensor, nn

from mmfewshot_seg.apis.image_pipeline import pil_to_bgr
from mmfewshot_seg.apis.package_inferencer import ModelSource, PackageInferencer
from mmfewshot_seg.apis.queries import Queries, QueryImage, free_name, list_images
from mmfewshot_seg.classes.word_vectors import WordVectors
from mmfewshot_seg.classes.zeroshot_splits import distinct_names
from mmfewshot_seg.datasets.sources.image_files import check_image_array, decoding
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.models.zeroshot import ZeroShotFasterRCNN
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.models.zeroshot.zero_shot_classes import vector_table

Vectors = str | Path | WordVectors | np.ndarray | Tensor


class ZeroShotInferencer(PackageInferencer, DetInferencer):
    """``DetInferencer`` of MMDetection whose classes are chosen when it is called.

    A call is complete in itself, so that threads may share an inferencer (built with
    ``show_progress=False``: a terminal has one progress bar) and each ask for other classes.

    Args:
        model: Config file, config, or the name of a config of this package. None: the config that
            is in ``weights``.
        weights: Checkpoint. None: random weights.
        word_vectors: File of word vectors instead of that of the config, for all classes.
        device: ``'cpu'``, ``'cuda:0'``, ...; by default what there is.
        scope: Default scope of the registries.
        show_progress: Whether to show a progress bar.
        trust_checkpoint: Whether ``weights`` may hold code, and it may run; else it is refused.

    Raises:
        FileNotFoundError: If ``weights`` or ``word_vectors`` is no file.
        ValueError: If the model is unknown or no zero-shot detector, or the weights do not fit it.

    Example::

        inferencer = ZeroShotInferencer('zsi_r101_fpn_1x_coco-65-15', 'zsi.pth')
        result = inferencer('photos/', classes=['cat', 'snow board'], out_dir='results')
        result['predictions'][0]['names']   # ['cat', 'cat', ...], best scores first
    """

    forward_kwargs = {'detected'}

    def __init__(
        self,
        model: ModelSource = None,
        weights: str | Path | None = None,
        word_vectors: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmdet',
        show_progress: bool = True,
        trust_checkpoint: bool = False,
    ) -> None:
        self._word_vectors = word_vectors
        self._array_numbers = count()
        self._drawing = threading.Lock()  # the visualizer has one figure
        super().__init__(model, weights, device, scope, show_progress, trust_checkpoint)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the labels that are detected where a call does not say which."""
        return self.model.class_names

    def set_classes(
        self,
        classes: str | Sequence[str],
        vectors: Vectors | None = None,
        mode: str = 'unseen',
    ) -> 'ZeroShotInferencer':
        """Detect other classes from now on, in calls that do not say which.

        Args:
            classes: K names, other than those of the seen classes: a list, or a string in which
                commas part them.
            vectors: A file of word vectors, or its content, where the names are looked up; or (K,
                D) numbers. By default the names are looked up in the model's own file. They are
                centred and scaled as the model's own.
            mode: ``'unseen'`` for these classes alone, ``'generalized'`` for the seen ones too.

        Returns:
            This inferencer.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If a name is there twice or is a seen class, has no vector or a zero one,
                the vectors do not fit in number or length, or the mode is ``'seen'``.
        """
        self.model.set_classes(*_names_and_vectors(classes, vectors), mode)
        return self

    def __call__(
        self,
        inputs: Queries,
        classes: str | Sequence[str] | None = None,
        vectors: Vectors | None = None,
        mode: str | None = None,
        batch_size: int = 1,
        **kwargs,
    ) -> dict[str, list]:
        """Detect objects.

        Args:
            inputs: An image, a folder of images, a video file, or a list of images. An image is a
                path, an (H, W, 3) uint8 BGR array, or a PIL image.
            classes: See :meth:`set_classes`; they are for this call alone. By default those of
                :meth:`set_classes`, at first those of the config.
            vectors: See :meth:`set_classes`.
            mode: ``'seen'``, ``'unseen'`` or ``'generalized'``. By default ``'unseen'`` if there
                are ``classes``, else that of :meth:`set_classes`, at first that of the config.
            batch_size: Images the network sees at once.
            kwargs: ``out_dir``, ``pred_score_thr`` of pictures, ``no_save_pred``, ``return_vis``
                and others of ``DetInferencer``. Scores are similarities: their range is that of
                the scalar products of the vectors.

        Returns:
            As ``DetInferencer``: ``predictions``, for each image a dict of ``labels``, ``scores``,
            ``bboxes`` and, with a mask head, ``masks`` (RLE), and also ``names``, the class of each
            detection; ``visualization``: pictures (H, W, 3) uint8 RGB, if asked for.

        Raises:
            ValueError: See :meth:`set_classes`; or if an image cannot be read.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, not {batch_size}')
        names = None
        if classes is not None:
            names, vectors = _names_and_vectors(classes, vectors)
        elif vectors is not None:
            raise ValueError('vectors need the names of their classes: give classes too')
        detected = self.model.choose_classes(names, vectors, mode)
        return super().__call__(inputs, batch_size=batch_size, detected=detected, **kwargs)

    def preprocess(
        self, inputs: Iterable[str | np.ndarray], batch_size: int = 1, **kwargs
    ) -> Iterator[tuple[list, dict]]:
        """Batches as of ``DetInferencer``; each sample is told ``result_name``, that of its files.

        No two images of a call have the same, unless they are one file.
        """
        names: dict[str, str] = {}
        for images, data in super().preprocess(inputs, batch_size, **kwargs):
            for image, sample in zip(images, data['data_samples'], strict=True):
                if isinstance(image, str):
                    key, stem = image, Path(image).stem
                else:
                    key = stem = f'{next(self._array_numbers):08d}'
                if key not in names:
                    names[key] = free_name(stem, names.values())
                sample.set_metainfo(dict(result_name=names[key]))
            yield images, data

    @torch.no_grad()
    def forward(self, inputs: dict, detected: DetectedClasses) -> list[DetDataSample]:
        """Predictions of a batch.

        Args:
            inputs: ``inputs`` and ``data_samples`` of :meth:`preprocess`.
            detected: The classes to detect.
        """
        data = self.model.data_preprocessor(inputs, False)
        return self.model.predict(data['inputs'], data['data_samples'], detected=detected)

    def visualize(
        self,
        inputs: Sequence[str | np.ndarray],
        preds: Sequence[DetDataSample],
        return_vis: bool = False,
        no_save_vis: bool = False,
        img_out_dir: str = '',
        **kwargs,
    ) -> list[np.ndarray] | None:
        """Pictures as of ``DetInferencer``, no two of a call under one name.

        Those that are only written are not kept.
        """
        saved = bool(img_out_dir) and not no_save_vis
        with self._drawing:
            meta = dict(self.model.dataset_meta, classes=preds[0].zeroshot_classes)
            self.visualizer.dataset_meta = meta
            pictures = super().visualize(inputs, preds, return_vis or saved, **kwargs)
        if saved:
            for image, sample, picture in zip(inputs, preds, pictures, strict=True):
                suffix = Path(image).suffix if isinstance(image, str) else '.jpg'
                path = str(Path(img_out_dir, 'vis', sample.result_name + suffix))
                if isinstance(image, str) and os.path.realpath(image) == os.path.realpath(path):
                    raise ValueError(f'{path} would overwrite an image: name another out_dir')
                mmcv.imwrite(picture[..., ::-1], path, backend_args=WHOLE)
        return pictures if return_vis else None

    def pred2dict(self, data_sample: DetDataSample, pred_out_dir: str = '') -> dict:
        """A prediction in plain numbers and names, see :meth:`__call__`.

        Args:
            data_sample: Prediction.
            pred_out_dir: Folder for ``preds/<name of the image>.json``; nothing is written if
                empty. The second image of a name has ``_2`` behind it.
        """
        prediction = super().pred2dict(data_sample)
        names = data_sample.zeroshot_classes
        prediction['names'] = [names[label] for label in prediction['labels']]
        if pred_out_dir:
            path = Path(pred_out_dir, 'preds', f'{data_sample.result_name}.json')
            mmengine.dump(prediction, str(path), backend_args=WHOLE)
        return prediction

    def _inputs_to_list(self, inputs: Queries) -> Iterable[QueryImage]:
        images = list_images(inputs)
        if not hasattr(images, '__len__'):
            images = list(images)
        if not isinstance(images, list | tuple):
            return images  # a video, which reads its frames one by one
        return [_plain(image) for image in images]

    def _init_pipeline(self, cfg: ConfigDict):
        pipeline = super()._init_pipeline(cfg)

        def load(image: str | np.ndarray) -> dict:
            if isinstance(image, np.ndarray):
                check_image_array(image)
            with decoding(image if isinstance(image, str) else 'an image array'):
                return pipeline(image)

        return load

    def _init_model(self, cfg: Config, weights: str | None, device: str = 'cpu') -> nn.Module:
        if self._word_vectors is not None and 'classes' in cfg.get('model', {}):
            cfg.model.classes.word_vectors = self._word_vectors
        return super()._init_model(cfg, weights, device)

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        if not isinstance(model, ZeroShotFasterRCNN):
            raise ValueError(
                'ZeroShotInferencer needs a model of type mmfewshot_seg.ZeroShotMaskRCNN or '
                f'ZeroShotFasterRCNN, the config has {type(model).__name__}'
            )
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', '.*COCO classes by default')  # not so, see below
            super()._load_weights_to_model(model, checkpoint, cfg)
        model.set_mode(model.mode)  # the checkpoint names the classes of its training


def _names_and_vectors(
    classes: str | Sequence[str], vectors: Vectors | None
) -> tuple[tuple[str, ...], np.ndarray | Tensor | None]:
    """Names one by one, and their vectors looked up where a file is given."""
    names = classes
    if isinstance(classes, str):
        names = [name.strip() for name in classes.split(',') if name.strip()]
    names = distinct_names(list(names), 'the')
    if not names:
        raise ValueError(f'classes={classes!r} names no class')
    if isinstance(vectors, str | os.PathLike | WordVectors):
        vectors = vector_table(vectors, names).select(names)
    return names, vectors


def _plain(image: QueryImage) -> str | np.ndarray:
    """A path as text, or an array, which the host knows."""
    if isinstance(image, Image.Image):
        return pil_to_bgr(image)
    return str(image) if isinstance(image, Path) else image
