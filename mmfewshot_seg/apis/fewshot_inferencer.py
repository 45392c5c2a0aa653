"""Segments images of a user by a few images of the user.

Shape letters: ``N`` ways, ``H W`` size of a query.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby
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

from mmfewshot_seg.annotations.annotation_label import Annotation
from mmfewshot_seg.apis.fewshot_results import as_prediction, draw_prediction, instances_of
from mmfewshot_seg.apis.fingerprint import fingerprint, tensors_fingerprint, weights_fingerprint
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.image_pipeline import pipelines_of_test
from mmfewshot_seg.apis.leave_one_out import LeftOut, leave_one_out
from mmfewshot_seg.apis.mask_fit import mask_fit
from mmfewshot_seg.apis.ordered_map import map_in_order
from mmfewshot_seg.apis.package_inferencer import ModelSource, PackageInferencer
from mmfewshot_seg.apis.presence import (
    MinScore,
    check_min_score,
    presence_thresholds,
    without_absent,
)
from mmfewshot_seg.apis.pretrained import load_pretrained
from mmfewshot_seg.apis.queries import (
    NamedImage,
    Queries,
    Query,
    View,
    list_images,
    name_images,
    network_view,
    read_query,
    tell_unreadable,
)
from mmfewshot_seg.apis.result_files import ResultFiles
from mmfewshot_seg.apis.run_record import RunRecord, undone
from mmfewshot_seg.apis.support_check import SupportCheck, judge_supports
from mmfewshot_seg.apis.support_fitting import Reading, fit_supports, list_supports
from mmfewshot_seg.apis.support_set import Image
from mmfewshot_seg.apis.tiles import Tile, TileGrid, Tiling
from mmfewshot_seg.apis.video import check_video_name, frames_per_second, whole_video
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.files.tensor_file import first_line
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.edge_refinement import check_method, refine_edges
from mmfewshot_seg.models.fewshot.level_fusion import fuse_levels
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
        super().__init__(model, weights, device, scope, show_progress, trust_checkpoint)
        self.refine = (self.model.test_cfg or {}).get('refine') if refine == 'config' else refine
        check_method(self.refine)
        self.supports = FittedSupports()
        self.state: SupportState | None = None
        self._left_out: list[LeftOut] | None = None
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
                them; or, without masks, the path of a file or folder of annotations in any of the
                formats of :func:`read_annotations`.
            masks: A mask for each image: an array, a file, a PIL image, or a dict of polygons,
                boxes, scribbles or points, see :func:`annotation_label`.
            class_names: A name for each image, repeated where images show the same class; for each
                class if ``images`` are lists; or one name for all; of annotations the classes that
                count, all by default.
            **reading: ``negatives`` and how masks are read, see :class:`Reading`.

        Returns:
            This inferencer.

        Raises:
            ValueError: If images, masks and names do not fit, or an image or mask is unusable.
            FileNotFoundError: If there is no such file or folder.
        """
        self._use(self.fit_singly(images, masks, class_names, **reading))
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
        self._use(self.supports.merged(self.fit_singly(images, masks, class_names, **reading)))
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
        return self.joined(self.fit_singly(images, masks, class_names, **reading))

    def fit_singly(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> FittedSupports:
        """As :meth:`fit_support`, but the supports stay single, for :meth:`check_support`."""
        singles = list_supports(images, masks, class_names, **reading)
        return fit_supports(self.model, self.support_pipeline, singles, self._tracked)

    def _use(self, supports: FittedSupports) -> None:
        self.state = self.joined(supports)
        self.supports, self._left_out = supports, None

    def joined(self, supports: FittedSupports) -> SupportState:
        """What :meth:`fit_support` gives for supports that were fitted singly.

        Raises:
            ValueError: If there is no class, or there are more than 254.
        """
        if not supports.shots:
            raise ValueError('a support set needs a class: negatives alone name none')
        if len(supports.shots) > 254:
            raise ValueError(f'a support set has 1 to 254 classes, not {len(supports.shots)}')
        return supports.joined(self.model.decode_head)

    def check_support(self, supports: FittedSupports | None = None) -> list[SupportCheck]:
        """Whether each support fits the others: each is segmented by all of them but itself.

        Args:
            supports: What :meth:`fit_singly` gave. None: the inferencer's own.

        Returns:
            One for each support of a class, class by class.

        Raises:
            ValueError: If there is no support set, or it was loaded from a file, which holds no
                images.
        """
        if supports is None:
            self._fitted()
        left_out = self.leave_one_out(supports)
        return judge_supports(left_out, self.mask_fits(left_out))

    def leave_one_out(self, supports: FittedSupports | None = None) -> list[LeftOut]:
        """What all other supports find in each; arguments and raises as :meth:`check_support`.

        Of the inferencer's own it is computed once.
        """
        if supports is None and self._left_out is not None:
            return self._left_out
        which = self.supports if supports is None else supports
        number = sum(1 for _ in which.singles())
        left_out = list(self._tracked(leave_one_out(which, self._segment_seen), number))
        if supports is None:
            self._left_out = left_out
        return left_out

    def _segment_seen(self, seen: Tensor, supports: FittedSupports) -> SegDataSample:
        """Prediction for an image that has been through the pipeline."""
        image = np.ascontiguousarray(seen.permute(1, 2, 0).numpy())
        query, state = Query('support', None, image), self.joined(supports)
        view = View(seen, (seen.shape[1], seen.shape[2]))
        ((logits, presence),) = self._scored([image], state, views=[view])
        return self._data_sample(query, logits, logits.argmax(0, keepdim=True), presence, state)

    @torch.no_grad()
    def mask_fits(self, supports: Iterable[LeftOut]) -> list[float]:
        """How well the mask of each support fits its image, see :func:`mask_fit`."""
        fits = []
        for one in supports:
            inputs = dict(inputs=dict(query=[one.seen[None]]))
            inputs = self.model.data_preprocessor(inputs)['inputs']
            features = self.model.extract_feat(inputs['query'][0])
            fused = fuse_levels(features, range(len(features)))[0]
            fits.append(mask_fit(one.image, one.label.numpy(), fused))
        return fits

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
            check_video_name(video_out)
        files = ResultFiles(
            out_dir, out_formats, pred_out_dir, labelme_out_dir, save_scores, tolerance
        )
        kwargs['img_out_dir'] = str(Path(out_dir, img_out_dir)) if out_dir and img_out_dir else ''
        kwargs['return_instances'] = kwargs.get('return_instances') or files.needs_instances
        _, _, visualize_kwargs, postprocess_kwargs = self._dispatch_kwargs(**kwargs)
        images = list_images(inputs)
        number = len(images) if isinstance(images, Sized) else 0
        named: Iterable[NamedImage] = name_images(images, self._array_numbers)
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
            _check_resumable(files)
            named = undone(named, record, kwargs['img_out_dir'])
            number = len(named)
        batches = self._segmented(named, support, batch_size, num_workers, tiling, skip_unreadable)
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
            tiled = partial(
                self._segment_tiles,
                tiling=tiling,
                batch_size=batch_size,
                num_workers=num_workers,
            )
            segment = partial(segment, tiled=tiled)
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
        found = self._scored([q.image for q in batch], support, support.get('min_score'))
        return [
            self._data_sample(query, logits, logits.argmax(0, keepdim=True), presence, support)
            for query, (logits, presence) in zip(batch, found, strict=True)
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

        def segment(batch: list[Tile]) -> list[tuple[Tensor, Tensor]]:
            return self._scored([query.image[tile] for tile in batch], support)

        batches = map_in_order(segment, self._get_chunk_data(tiles, batch_size), num_workers)
        presences: list[Tensor] = []

        def logits_of_tiles() -> Iterator[Tensor]:
            for batch in batches:
                for logits, presence in batch:
                    presences.append(presence)
                    yield logits

        labels = torch.empty(1, *tiles.shape, dtype=torch.uint8)
        scores = torch.empty(1 + len(support.class_names), *tiles.shape, dtype=torch.half)
        for rows, logits in tiles.blended(logits_of_tiles()):
            labels[0, rows] = logits.argmax(0)
            scores[:, rows] = logits.log_softmax(0)
        presence = torch.stack(presences).amax(0)
        if (min_score := support.get('min_score')) is not None:
            scores = without_absent(scores, presence, min_score)
            for found, part in zip(labels[0], scores.unbind(1), strict=True):  # row by row
                found[:] = part.float().argmax(0)
        return self._data_sample(query, scores, labels, presence, support)

    @torch.no_grad()
    def _scored(
        self,
        images: Sequence[np.ndarray],
        support: SupportState,
        min_score: Sequence[float] | None = None,
        views: Sequence[View] | None = None,
    ) -> list[tuple[Tensor, Tensor]]:
        """(1+N, H, W) logits of each image and (N,) presence of the classes, on the CPU.

        Images that the network sees at unlike sizes go through it one after the other.
        """
        found: list[tuple[Tensor, Tensor]] = []
        views = views or [network_view(image, self.pipeline) for image in images]
        head = self.model.decode_head
        for _, group in groupby(views, key=lambda view: view.seen.shape):
            alike = list(group)
            batch = torch.stack([view.seen for view in alike])
            inputs = self.model.data_preprocessor(dict(inputs=dict(query=[batch])))['inputs']
            batch_logits = self.model.encode_decode(inputs, state=support)[0]
            for logits, (height, width) in zip(
                batch_logits, (view.content for view in alike), strict=True
            ):
                image = images[len(found)]
                logits = logits[None, :, :height, :width]
                presence = head.presence(logits[None], support)[0, 0].cpu()
                logits = head.resize(logits, image.shape[:2])[0].cpu()
                if min_score is not None:
                    logits = without_absent(logits, presence, min_score)
                if self.refine:
                    logits = refine_edges(logits, image, self.refine)
                found.append((logits, presence))
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
        return_instances: bool = False,
        min_area: int = 1,
    ) -> dict[str, list]:
        """Predictions as they are returned, see :meth:`__call__`."""
        if return_instances:
            for sample in samples:
                sample.instances = instances_of(sample, min_area)
        predictions = samples if return_datasamples else list(map(as_prediction, samples))
        return dict(predictions=predictions, visualization=pictures)

    def presence_thresholds(self, support: SupportState | None = None) -> list[float]:
        """What ``min_score='auto'`` stands for, see :func:`presence_thresholds`.

        Args:
            support: What :meth:`fit_support` gave, of which no single supports are known: what is
                usual for the network counts alone. None: the inferencer's own; so it is with one
                that was loaded from a file.

        Returns:
            A number for each class.

        Raises:
            ValueError: If there are neither examples nor usual scores.
        """
        left_out: list[LeftOut] = []
        if support is None:
            support = self._fitted()
            if all('seen' in state for _, _, state in self.supports.singles()):
                left_out = self.leave_one_out()
        return presence_thresholds(self.model.decode_head, support.class_names, left_out)

    def _with_min_score(self, support: SupportState | None, min_score: MinScore) -> SupportState:
        """The support set, the inferencer's own if None; it carries the thresholds."""
        state = self._fitted() if support is None else support
        check_min_score(min_score, len(state.class_names))
        if min_score is None:
            return state
        values = self.presence_thresholds(support) if min_score == 'auto' else min_score
        state = state.new()
        state.set_metainfo(dict(min_score=values))
        return state

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
            weights=weights_fingerprint(self.model),
        )

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

    def _data_sample(
        self,
        query: Query,
        logits: Tensor,
        labels: Tensor,
        presence: Tensor,
        support: SupportState,
    ) -> SegDataSample:
        """Prediction of (1+N, H, W) logits, (1, H, W) labels and (N,) presence."""
        meta = dict(
            name=query.name,
            img_path=query.path,
            ori_shape=query.image.shape[:2],
            class_names=support.class_names,
        )
        sample = SegDataSample(metainfo=meta)
        sample.presence = presence
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


def _check_resumable(files: ResultFiles) -> None:
    if files.whole:
        raise ValueError(
            f'out_formats {list(files.whole)} are of all images of one run, which resume leaves '
            "out: resume with 'png' and 'labelme' alone, or start anew"
        )
