"""Segments images of a user by a few images of the user.

Shape letters: ``N`` ways, ``H W`` size of a query.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, groupby
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmengine.utils import ProgressBar, track_iter_progress
from mmengine.visualization import Visualizer
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from typing_extensions import Unpack

from mmfewshot_seg.apis.annotations import Annotation
from mmfewshot_seg.apis.fewshot_results import as_prediction, draw_prediction, write_prediction
from mmfewshot_seg.apis.fingerprint import fingerprint, tensors_fingerprint
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.image_pipeline import pipelines_of_test
from mmfewshot_seg.apis.ordered_map import map_in_order
from mmfewshot_seg.apis.package_inferencer import ModelSource, PackageInferencer
from mmfewshot_seg.apis.pretrained import load_pretrained
from mmfewshot_seg.apis.queries import (
    NamedImage,
    Queries,
    Query,
    list_images,
    name_images,
    network_view,
    read_query,
    tell_unreadable,
)
from mmfewshot_seg.apis.run_record import RunRecord, undone
from mmfewshot_seg.apis.support_fitting import Reading, fit_supports, list_supports
from mmfewshot_seg.apis.support_set import Image
from mmfewshot_seg.apis.tiles import Tile, TileGrid, Tiling
from mmfewshot_seg.apis.video import check_video_name, frames_per_second, whole_video
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.files.tensor_file import first_line
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.edge_refinement import check_method, refine_edges
from mmfewshot_seg.structures import SupportState

DEFAULT_MODEL = 'dense-matching_lite0-d8_photographs'


@dataclass(frozen=True)
class Segmented:
    """A batch that was segmented.

    Attributes:
        queries: Its images.
        samples: What was predicted in each.
        unreadable: What is wrong with each of its files that was left out.
    """

    queries: list[Query]
    samples: list[SegDataSample]
    unreadable: list[str]


class FewShotInferencer(PackageInferencer):
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
    postprocess_kwargs = {'pred_out_dir', 'save_scores'}

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
        super().__init__(model, weights, device, scope, show_progress, trust_checkpoint)
        self.refine = (self.model.test_cfg or {}).get('refine') if refine == 'config' else refine
        check_method(self.refine)
        self.supports = FittedSupports()
        self.state: SupportState | None = None
        self._array_numbers = count()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of labels 1..N.

        Raises:
            ValueError: If there is no support set yet.
        """
        return self._fitted().class_names

    def set_support(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> 'FewShotInferencer':
        """Fit a support set, instead of the one before; :meth:`add_support` adds to it.

        Args:
            images: Paths, (H, W, 3) uint8 BGR arrays or PIL images; or, for each class, a list of
                them; or, alone, a folder of class folders with ``<n>.jpg`` and ``<n>.png``.
            masks: A mask for each image: an array, a file, a PIL image, or a dict of polygons,
                boxes or scribbles, see :func:`annotation_label`.
            class_names: A name for each image, repeated where images show the same class; for each
                class if ``images`` are lists; or one name for all.
            **reading: ``negatives`` and how masks are read, see :class:`Reading`.

        Returns:
            This inferencer.

        Raises:
            ValueError: If images, masks and names do not fit, or an image or mask is unusable.
            FileNotFoundError: If there is no such folder.
        """
        self._use(self._fit(images, masks, class_names, **reading))
        return self

    def add_support(
        self,
        images: Image | Sequence = (),
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> 'FewShotInferencer':
        """Add supports of old or new classes, or negatives, to those there are.

        Nothing is computed anew. Arguments, returns and raises: see :meth:`set_support`.
        """
        self._use(self.supports.merged(self._fit(images, masks, class_names, **reading)))
        return self

    def fit_support(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> SupportState:
        """Fit a support set and leave this inferencer's own alone.

        Arguments and raises: see :meth:`set_support`.

        Returns:
            What :meth:`__call__` takes as ``support``. Threads may share the inferencer this way.
        """
        return self._joined(self._fit(images, masks, class_names, **reading))

    def _fit(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None,
        class_names: str | Sequence[str] | None,
        **reading: Unpack[Reading],
    ) -> FittedSupports:
        singles = list_supports(images, masks, class_names, **reading)
        return fit_supports(self.model, self.support_pipeline, singles, self._tracked)

    def _use(self, supports: FittedSupports) -> None:
        self.state = self._joined(supports)
        self.supports = supports

    def _joined(self, supports: FittedSupports) -> SupportState:
        if not supports.shots:
            raise ValueError('a support set needs a class: negatives alone name none')
        if len(supports.shots) > 254:
            raise ValueError(f'a support set has 1 to 254 classes, not {len(supports.shots)}')
        return supports.joined(self.model.decode_head)

    def save_support(self, path: str | Path) -> None:
        """Write the fitted support set, for :meth:`load_support` with the same model.

        Raises:
            ValueError: If there is none.
            OSError: If the folder does not exist or the file cannot be written.
        """
        self._fitted()
        self.supports.save(path, fingerprints=self._fingerprints())

    def load_support(self, path: str | Path) -> 'FewShotInferencer':
        """Read what :meth:`save_support` wrote, instead of the support set before.

        Returns:
            This inferencer.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is of another kind, damaged or not finite, or was written with
                another model.
        """
        supports, meta = FittedSupports.load(path)
        own, theirs = self._fingerprints(), meta['fingerprints']
        unlike = [name for name in own if theirs.get(name) != own[name]]
        if unlike:
            raise ValueError(
                f'{path} was fitted by another model: its {" and ".join(unlike)} differ. Load it '
                'into the model that saved it, or call set_support with the images again'
            )
        try:
            self._use(supports.to(self._device))
        except (AttributeError, KeyError, IndexError, TypeError, RuntimeError) as error:
            raise ValueError(f'{path} is damaged ({first_line(error)})') from error
        return self

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
        with_labels: bool = True,
        save_scores: bool = False,
        skip_unreadable: bool = False,
        support: SupportState | None = None,
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
            with_labels: Whether class names are written into pictures.
            save_scores: Whether to write scores too, ``<name of the query>.npy``.
            skip_unreadable: Leave out files that cannot be decoded, and log how many; there is no
                prediction of them.
            support: Fitted support set of :meth:`fit_support`. None: the inferencer's own, of
                :meth:`set_support` or :meth:`load_support`.
            num_workers: Threads that segment batches, or the tiles of an image, at the same time;
                they change no result. 0: none but the calling thread.
            tile_size: Side in pixels of the tiles that larger images are cut into, each of which
                goes through the network by itself: small objects are found that vanish in a view
                of the whole. Their scores are float16. None: every image is seen whole.
            tile_overlap: Least overlap of tiles, as a share of their side.
            resume: Leave out images that an earlier run into ``out_dir`` has done; it must have
                been asked for the same.
            video_out: File for the pictures as a video, ``.mp4`` or ``.avi``, with the frame rate
                of the input or 25 pictures a second; it appears when all is done.

        Returns:
            ``predictions``: for each query a dict of ``label_map`` (H, W) uint8, 0 background and
            n the n-th class, and ``scores`` (1+N, H, W) float32 that add up to 1, at the size of
            the query; ``visualization``: pictures (H, W, 3) uint8 RGB, if asked for.

        Raises:
            ValueError: If there is no support set, an image cannot be read, an option is out of
                range, or there is another run to resume.
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
            with_labels=with_labels,
            save_scores=save_scores,
            skip_unreadable=skip_unreadable,
            support=support,
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
        skip_unreadable: bool = False,
        support: SupportState | None = None,
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
        support = self._fitted() if support is None else support
        _check_numbers(batch_size, num_workers)
        tiling = None if tile_size is None else Tiling(tile_size, tile_overlap)
        if video_out:
            check_video_name(video_out)
        img_out_dir, pred_out_dir = (
            str(Path(out_dir, folder)) if out_dir and folder else ''
            for folder in (img_out_dir, pred_out_dir)
        )
        kwargs.update(img_out_dir=img_out_dir, pred_out_dir=pred_out_dir)
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        images = list_images(inputs)
        number = len(images) if isinstance(images, Sized) else 0
        named: Iterable[NamedImage] = name_images(images, self._array_numbers)
        record = None
        if out_dir:
            record = RunRecord(out_dir, self._settings(support, tiling, **kwargs), resume)
        if resume:
            named = undone(named, record, img_out_dir)
            number = len(named)
        batches = self._segmented(named, support, batch_size, num_workers, tiling, skip_unreadable)
        wants_pictures = visualize_kwargs.pop('return_vis', False)
        with ExitStack() as files:
            if video_out:
                video = whole_video(video_out, frames_per_second(inputs))
                add_picture = files.enter_context(video)
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
                if record:
                    for query in batch.queries:
                        record.add(query.name, query.path)
                yield results

    def _segmented(
        self,
        images: Iterable[NamedImage],
        support: SupportState,
        batch_size: int,
        num_workers: int,
        tiling: Tiling | None,
        skip_unreadable: bool,
    ) -> Iterator[Segmented]:
        """Batches that were read and segmented; see :meth:`__call__` for the arguments."""
        segment = partial(self._segment, support=support, skip_unreadable=skip_unreadable)
        if tiling:  # it is the tiles of one image that are batched and shared out
            shared = dict(tiling=tiling, batch_size=batch_size, num_workers=num_workers)
            segment = partial(segment, tiled=partial(self._segment_tiles, **shared))
            batch_size, num_workers = 1, 0
        batches = self.preprocess(images, batch_size)
        unreadable: list[str] = []
        for batch in map_in_order(segment, batches, num_workers):
            unreadable += batch.unreadable
            yield batch
        tell_unreadable(unreadable)

    def preprocess(
        self, inputs: Iterable[NamedImage], batch_size: int = 1
    ) -> Iterator[list[NamedImage]]:
        """Batches of images, which are read when they are segmented."""
        yield from self._get_chunk_data(inputs, batch_size)

    def forward(self, batch: list[Query], support: SupportState) -> list[SegDataSample]:
        """Segment a batch."""
        all_logits = self._logits([query.image for query in batch], support)
        return [
            self._data_sample(query, logits, logits.argmax(0, keepdim=True), support)
            for query, logits in zip(batch, all_logits, strict=True)
        ]

    def _segment(
        self,
        images: list[NamedImage],
        support: SupportState,
        skip_unreadable: bool,
        tiled: Callable[[Query, SupportState], SegDataSample] | None = None,
    ) -> Segmented:
        """Read and segment a batch; by ``tiled``, if given, image by image."""
        queries, unreadable = [], []
        for image in images:
            try:
                queries.append(read_query(image, self.pipeline))
            except UnreadableImageError as error:
                if not skip_unreadable:
                    raise
                unreadable.append(str(error))
        if tiled:
            samples = [tiled(query, support) for query in queries]
        else:
            samples = self.forward(queries, support)
        return Segmented(queries, samples, unreadable)

    def _segment_tiles(
        self,
        query: Query,
        support: SupportState,
        tiling: Tiling,
        batch_size: int,
        num_workers: int,
    ) -> SegDataSample:
        """Segment an image tile by tile, or whole if it is no larger than a tile."""
        tiles = TileGrid(query.image.shape[:2], tiling)
        if len(tiles) == 1:
            return self.forward([query], support)[0]

        def segment(batch: list[Tile]) -> list[Tensor]:
            return self._logits([query.image[tile] for tile in batch], support)

        batches = map_in_order(segment, self._get_chunk_data(tiles, batch_size), num_workers)
        labels = torch.empty(1, *tiles.shape, dtype=torch.uint8)
        scores = torch.empty(1 + len(support.class_names), *tiles.shape, dtype=torch.half)
        for rows, logits in tiles.blended(chain.from_iterable(batches)):
            labels[0, rows] = logits.argmax(0)
            scores[:, rows] = logits.log_softmax(0)
        return self._data_sample(query, scores, labels, support)

    @torch.no_grad()
    def _logits(self, images: Sequence[np.ndarray], support: SupportState) -> list[Tensor]:
        """(1+N, H, W) logits of each image, on the CPU.

        Images that the network sees at unlike sizes go through it one after the other.
        """
        found: list[Tensor] = []
        views = [network_view(image, self.pipeline) for image in images]
        head, sizes = self.model.decode_head, iter([image.shape[:2] for image in images])
        for _, group in groupby(views, key=lambda view: view.seen.shape):
            alike = list(group)
            batch = torch.stack([view.seen for view in alike])
            inputs = self.model.data_preprocessor(dict(inputs=dict(query=[batch])))['inputs']
            batch_logits = self.model.encode_decode(inputs, state=support)[0]
            for logits, (height, width) in zip(
                batch_logits, (view.content for view in alike), strict=True
            ):
                found.append(head.resize(logits[None, :, :height, :width], next(sizes))[0].cpu())
        if self.refine:
            refine = partial(refine_edges, method=self.refine)
            found = list(map(refine, found, images))
        return found

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
        pred_out_dir: str = '',
        save_scores: bool = False,
    ) -> dict[str, list]:
        """Predictions as they are returned and written, see :meth:`__call__`."""
        if return_datasamples and not pred_out_dir:
            return dict(predictions=samples, visualization=pictures)
        predictions = list(map(as_prediction, samples))
        if pred_out_dir:
            for sample, prediction in zip(samples, predictions, strict=True):
                write_prediction(prediction, Path(pred_out_dir), sample.name, save_scores)
        return dict(
            predictions=samples if return_datasamples else predictions, visualization=pictures
        )

    def _fitted(self) -> SupportState:
        if self.state is None:
            raise ValueError('there is no support set yet: call set_support or load_support first')
        return self.state

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _tracked(self, items: Iterable, number: int) -> Iterable:
        """With a progress bar, if wanted; 0 for a number that is not known."""
        return track_iter_progress((items, number)) if self.show_progress else items

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

    def _fingerprints(self) -> dict[str, str]:
        return dict(
            config=fingerprint([self.cfg.model, self.support_pipeline.config]),
            weights=tensors_fingerprint(self.model.state_dict()),
        )

    def _settings(self, support: SupportState, tiling: Tiling | None, **options) -> dict:
        """What decides the results of a run."""
        for name in ('return_vis', 'show', 'wait_time', 'img_out_dir', 'pred_out_dir'):
            options.pop(name, None)
        return dict(
            self._fingerprints(),
            transforms=fingerprint(self.pipeline.config),
            support=tensors_fingerprint(dict(support.items())),
            class_names=list(support.class_names),
            refine=self.refine,
            tiles=tiling and [tiling.size, tiling.overlap],
            **options,
        )

    def _data_sample(
        self, query: Query, logits: Tensor, labels: Tensor, support: SupportState
    ) -> SegDataSample:
        """Prediction of (1+N, H, W) logits and (1, H, W) labels."""
        meta = dict(
            name=query.name,
            img_path=query.path,
            ori_shape=query.image.shape[:2],
            class_names=support.class_names,
        )
        sample = SegDataSample(metainfo=meta)
        sample.seg_logits = PixelData(data=logits)
        sample.pred_sem_seg = PixelData(data=labels)
        return sample

    def _init_pipeline(self, cfg: ConfigDict):
        self.support_pipeline, query_pipeline = pipelines_of_test(cfg)
        return query_pipeline

    def _init_collate(self, cfg: ConfigDict) -> None:
        return None  # a batch stays a list

    def _init_visualizer(self, cfg: ConfigDict) -> Visualizer:
        return Visualizer(type(self).__name__)  # only for windows

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        if not isinstance(model, FewShotSegmentor):
            raise ValueError(
                'FewShotInferencer needs a model of type mmfewshot_seg.FewShotSegmentor, the '
                f'config has {type(model).__name__}'
            )
        if checkpoint is None:
            load_pretrained(model)
        else:
            super()._load_weights_to_model(model, checkpoint, cfg)


def _check_numbers(batch_size: int, num_workers: int) -> None:
    if batch_size < 1:
        raise ValueError(f'batch_size must be at least 1, got {batch_size}')
    if num_workers < 0:
        raise ValueError(f'num_workers must be at least 0, got {num_workers}')
