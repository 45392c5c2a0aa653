"""Segments images of a user by a few images of the user.

Shape letters: ``N`` ways, ``H W`` size of a query.
"""

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

import mmcv
import numpy as np
from mmengine.config import ConfigDict
from mmengine.utils import ProgressBar
from mmengine.visualization import Visualizer
from mmseg.structures import SegDataSample

from mmfewshot_seg.apis.fewshot_results import as_prediction, draw_prediction, instances_of
from mmfewshot_seg.apis.fingerprint import fingerprint, tensors_fingerprint
from mmfewshot_seg.apis.package_inferencer import ModelSource
from mmfewshot_seg.apis.presence import (
    MinScore,
)
from mmfewshot_seg.apis.queries import (
    NamedImage,
    Queries,
    Query,
    check_kept,
    list_images,
    name_images,
)
from mmfewshot_seg.apis.query_segmentation import QuerySegmentation, Segmented
from mmfewshot_seg.apis.result_files import ResultFiles
from mmfewshot_seg.apis.run_record import RunRecord, undone
from mmfewshot_seg.apis.support_set_inferencer import SupportSetInferencer
from mmfewshot_seg.apis.tiles import Tiling
from mmfewshot_seg.apis.video import check_video_out, frames_per_second, whole_video
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.structures import SupportState

DEFAULT_MODEL = 'dense-matching_lite0-d8_photographs'


class FewShotInferencer(SupportSetInferencer):
    """Few-shot segmentation with a support set of one's own.

    Without arguments it is dense matching on an encoder that has seen ImageNet: nothing has to be
    trained. The support set is computed once and then serves any number of queries; it can grow,
    be saved and loaded. Images may have any size, classes any numbers of supports.

    Args:
        model: Config file, config, or the name of a config of this package. None: the config that
            is in ``weights``, or without these ``DEFAULT_MODEL``.
        weights: Checkpoint. None: the pretrained weights that the config names, of a model that
            works without training.
        device: ``'cpu'``, ``'cuda:0'``, ...; by default what there is.
        scope: Default scope of the registries.
        show_progress: Whether to show a progress bar.
        refine: Whether predictions follow the edges of the image: ``'grabcut'``, ``'guided'``, see
            :func:`refine_edges`, or None. ``'config'``: ``refine`` of the model's ``test_cfg``.
        trust_checkpoint: Whether ``weights`` may hold code, and it may run; else it is refused.

    Raises:
        FileNotFoundError: If ``weights`` is no file.
        ImportError: If the model's encoder needs timm, and it is not installed.
        ValueError: If the model is unknown or no few-shot segmentor, the weights do not fit it, or
            there are none and it works only when trained.

    Example::

        inferencer = FewShotInferencer()
        inferencer.set_support(['a.jpg', 'b.jpg', 'c.jpg'], ['a.png', 'b.png', 'c.png'],
                               ['zebra', 'zebra', 'teapot'])
        result = inferencer('query.jpg', out_dir='results')['predictions'][0]
        result['label_map'], result['scores']   # (H, W) 0 background, 1 zebra, 2 teapot; (3, H, W)
    """

    visualize_kwargs = {'return_vis', 'show', 'wait_time', 'img_out_dir', 'with_labels'}
    postprocess_kwargs = {'return_instances', 'min_area'}

    def __init__(
        self,
        model: ModelSource = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmseg',
        show_progress: bool = True,
        refine: str | None = 'config',
        trust_checkpoint: bool = False,
    ) -> None:
        if model is None and weights is None:
            model = DEFAULT_MODEL
        super().__init__(model, weights, device, scope, show_progress, refine, trust_checkpoint)
        self._array_numbers = count()

    def __call__(
        self,
        inputs: Queries,
        return_datasamples: bool = False,
        batch_size: int = 1,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        out_dir: str = '',
        img_out_dir: str = 'vis',
        pred_out_dir: str = 'pred',
        labelme_out_dir: str = 'labelme',
        out_formats: Sequence[str] = ('png',),
        with_labels: bool = True,
        save_scores: bool = False,
        return_instances: bool = False,
        min_area: int = 1,
        tolerance: float = 1,
        skip_unreadable: bool = False,
        support: SupportState | None = None,
        min_score: MinScore = None,
        num_workers: int = 0,
        tile_size: int | None = None,
        tile_overlap: float = 0.25,
        resume: bool = False,
        video_out: str | Path = '',
    ) -> dict[str, list]:
        """Segment queries, all results in memory; see :meth:`stream` for many.

        Args:
            inputs: An image, a folder of images, a video file, or any iterable of images. An image
                is a path, an (H, W, 3) uint8 BGR array or a PIL image.
            return_datasamples: Whether predictions are ``SegDataSample`` of MMSegmentation.
            batch_size: Queries the network sees at once; it changes no result.
            return_vis: Whether to return pictures.
            show: Whether to open a window for each picture.
            wait_time: Seconds a window stays open, 0 for ever.
            out_dir: Folder for results; nothing is written if empty.
            img_out_dir: Folder in ``out_dir`` for pictures, ``<name of the query>.jpg``; none are
                written if empty.
            pred_out_dir: Folder in ``out_dir`` for label maps, ``<name of the query>.png`` with a
                palette.
            labelme_out_dir: Folder in ``out_dir`` for LabelMe's ``<name of the query>.json``; one
                that a person has made or corrected is left alone.
            out_formats: What is written besides pictures: some of ``'png'`` (label maps),
                ``'labelme'``, and at the end of the run ``'coco'`` (``coco.json``, exact),
                ``'coco-polygons'`` (``coco_polygons.json``) and ``'csv'`` (``areas.csv``).
            with_labels: Whether class names are written into pictures.
            save_scores: Whether to write scores too, ``<name of the query>.npy``.
            return_instances: Whether predictions have ``instances``.
            min_area: Connected parts of fewer pixels are no instances; label maps keep them.
            tolerance: Pixels by which polygons may be off; 0 follows the edge of each pixel.
            skip_unreadable: Leave out files that cannot be decoded, and log how many; there is no
                prediction of them.
            support: Fitted support set of :meth:`fit_support`. None: the inferencer's own, of
                :meth:`set_support` or :meth:`load_support`.
            min_score: Least presence of a class; one with less has an empty mask. ``'auto'``: see
                :meth:`presence_thresholds`. None: none is left out.
            num_workers: Threads that segment batches, or the tiles of an image, at the same time;
                they change no result. 0: none but the calling thread.
            tile_size: Side in pixels of the tiles that larger images are cut into, each of which
                goes through the network by itself: small objects are found that vanish in a view
                of the whole. Their scores are float16, and their presence is that of the tile
                that has most of it. None: every image is seen whole.
            tile_overlap: Least overlap of tiles, as a share of their side.
            resume: Leave out images that an earlier run into ``out_dir`` has done; it must have
                been asked for the same.
            video_out: File for the pictures as a video, ``.mp4`` or ``.avi``, with the frame rate
                of the input or 25 pictures a second; it appears when all is done.

        Returns:
            ``predictions``: for each query a dict of ``label_map`` (H, W) uint8, 0 background and
            n the n-th class, ``scores`` (1+N, H, W) float32 that add up to 1, at the size of the
            query, and ``presence`` (N,) float32, how sure it is that each class is shown; if asked
            for ``instances``, a list of :class:`Instance`, the connected parts of each class;
            ``visualization``: pictures (H, W, 3) uint8 RGB, if asked for.

        Raises:
            ValueError: If there is no support set, an image cannot be read, there is no such
                format, ``min_score`` is none, an option is out of range, or the run to resume is
                another one.
        """
        batches = self.stream(
            inputs,
            return_datasamples=return_datasamples,
            batch_size=batch_size,
            return_vis=return_vis,
            show=show,
            wait_time=wait_time,
            out_dir=out_dir,
            img_out_dir=img_out_dir,
            pred_out_dir=pred_out_dir,
            labelme_out_dir=labelme_out_dir,
            out_formats=out_formats,
            with_labels=with_labels,
            save_scores=save_scores,
            return_instances=return_instances,
            min_area=min_area,
            tolerance=tolerance,
            skip_unreadable=skip_unreadable,
            support=support,
            min_score=min_score,
            num_workers=num_workers,
            tile_size=tile_size,
            tile_overlap=tile_overlap,
            resume=resume,
            video_out=video_out,
        )
        results: dict[str, list] = dict(predictions=[], visualization=[])
        for batch in batches:
            for name, values in batch.items():
                results[name] += values
        return results

    def stream(
        self,
        inputs: Queries,
        return_datasamples: bool = False,
        batch_size: int = 1,
        out_dir: str = '',
        img_out_dir: str = 'vis',
        pred_out_dir: str = 'pred',
        labelme_out_dir: str = 'labelme',
        out_formats: Sequence[str] = ('png',),
        save_scores: bool = False,
        tolerance: float = 1,
        skip_unreadable: bool = False,
        support: SupportState | None = None,
        min_score: MinScore = None,
        num_workers: int = 0,
        tile_size: int | None = None,
        tile_overlap: float = 0.25,
        resume: bool = False,
        video_out: str | Path = '',
        **kwargs,
    ) -> Iterator[dict[str, list]]:
        """As calling the inferencer, but results come batch by batch: for videos.

        Yields:
            What calling returns, for one batch.
        """
        support = self._with_min_score(support, min_score)
        _check_numbers(batch_size, num_workers)
        tiling = None if tile_size is None else Tiling(tile_size, tile_overlap)
        if video_out:
            check_video_out(video_out, inputs, resume)
        files = ResultFiles(
            out_dir, out_formats, pred_out_dir, labelme_out_dir, img_out_dir, save_scores, tolerance
        )
        files.check_names(support.class_names)
        kwargs['img_out_dir'] = str(files.picture_folder or '')
        kwargs['return_instances'] = kwargs.get('return_instances') or files.needs_instances
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        images = list_images(inputs)
        number = len(images) if isinstance(images, Sized) else 0
        named: Iterable[NamedImage] = name_images(images, self._array_numbers)
        if isinstance(images, list):
            named = check_kept(named, files.of_image)
        record = None
        if out_dir:
            settings = self._settings(
                support,
                tiling,
                out_formats=out_formats,
                save_scores=save_scores,
                tolerance=tolerance,
                min_area=kwargs.get('min_area', 1),
                with_labels=kwargs.get('with_labels', True),
            )
            record = RunRecord(out_dir, settings, resume)
        if resume:
            named = undone(named, record, files.of_image)
            number = len(named)
            if record and record.done:  # else what an earlier run has left is of another
                files.log.resume()
        batches = QuerySegmentation(self.model, self.pipeline, self.refine).stream(
            partial(self.preprocess, named),
            support,
            batch_size,
            num_workers,
            tiling,
            skip_unreadable,
        )
        wants_pictures = visualize_kwargs.pop('return_vis', False)
        with ExitStack() as stack:
            stack.enter_context(files)
            if video_out:
                video = whole_video(video_out, frames_per_second(inputs))
                add_picture = stack.enter_context(video)
            for batch in self._tracked_batches(batches, number):
                if not batch.queries:
                    continue
                pictures = self.visualize(
                    batch.queries,
                    batch.samples,
                    return_vis=wants_pictures or bool(video_out),
                    **visualize_kwargs,
                )
                if video_out:
                    for picture in pictures:
                        add_picture(picture)
                results = self.postprocess(
                    batch.samples,
                    pictures if wants_pictures else [],
                    return_datasamples,
                    **postprocess_kwargs,
                )
                for query, sample in zip(batch.queries, batch.samples, strict=True):
                    files.write(query, sample)
                    if record:
                        record.add(query.name, query.path)
                yield results

    def preprocess(
        self, inputs: Iterable[NamedImage], batch_size: int = 1
    ) -> Iterator[list[NamedImage]]:
        """Batches of images, which are read when they are segmented."""
        yield from self._get_chunk_data(inputs, batch_size)

    def forward(self, batch: list[Query], support: SupportState) -> list[SegDataSample]:
        """Segment a batch."""
        return QuerySegmentation(self.model, self.pipeline, self.refine).segment(batch, support)

    def visualize(
        self,
        batch: list[Query],
        samples: list[SegDataSample],
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        img_out_dir: str = '',
        with_labels: bool = True,
    ) -> list[np.ndarray]:
        """Pictures of the predictions, see :meth:`__call__`; none if nobody wants them."""
        pictures: list[np.ndarray] = []
        if not (return_vis or show or img_out_dir):
            return pictures
        for query, sample in zip(batch, samples, strict=True):
            picture = draw_prediction(query.image, sample, with_labels)
            if img_out_dir:
                path = Path(img_out_dir, f'{query.name}.jpg')
                mmcv.imwrite(picture[..., ::-1], str(path), backend_args=WHOLE)
            if show:
                self.visualizer.show(picture, query.name, wait_time)
            pictures.append(picture)
        return pictures if return_vis else []

    def postprocess(
        self,
        samples: list[SegDataSample],
        pictures: list[np.ndarray],
        return_datasamples: bool = False,
        return_instances: bool = False,
        min_area: int = 1,
    ) -> dict[str, list]:
        """Predictions as they are returned, see :meth:`__call__`."""
        if return_instances:
            for sample in samples:
                sample.instances = instances_of(sample, min_area)
        predictions = samples if return_datasamples else list(map(as_prediction, samples))
        return dict(predictions=predictions, visualization=pictures)

    def _tracked_batches(self, batches: Iterable[Segmented], number: int) -> Iterator[Segmented]:
        """With a progress bar that counts images, if wanted; 0 for a number that is not known."""
        if not self.show_progress:
            yield from batches
            return
        bar = ProgressBar(number)
        for batch in batches:
            yield batch
            bar.update(len(batch.queries) + len(batch.unreadable))
        bar.file.write('\n')

    def _settings(self, support: SupportState, tiling: Tiling | None, **options) -> dict:
        """What decides the results of a run."""
        return dict(
            self._fingerprints(),
            transforms=fingerprint(self.pipeline.config),
            support=tensors_fingerprint(dict(support.items())),
            class_names=list(support.class_names),
            min_score=support.get('min_score'),
            refine=self.refine,
            tiles=tiling and [tiling.size, tiling.overlap],
            **options,
        )

    def _init_collate(self, cfg: ConfigDict) -> None:
        return None  # a batch stays a list

    def _init_visualizer(self, cfg: ConfigDict) -> Visualizer:
        return Visualizer(type(self).__name__)  # only for windows


def _check_numbers(batch_size: int, num_workers: int) -> None:
    if batch_size < 1:
        raise ValueError(f'batch_size must be at least 1, got {batch_size}')
    if num_workers < 0:
        raise ValueError(f'num_workers must be at least 0, got {num_workers}')
