"""Reading and segmenting of images: batches, tiles, what the network is asked for.

Shape letters: ``N`` ways, ``H W`` size of an image.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmfewshot_seg.apis.image_pipeline import ImagePipeline
from mmfewshot_seg.apis.ordered_map import map_in_order
from mmfewshot_seg.apis.presence import without_absent
from mmfewshot_seg.apis.queries import (
    NamedImage,
    Query,
    View,
    network_view,
    read_query,
    tell_unreadable,
)
from mmfewshot_seg.apis.tiles import Tile, TileGrid, Tiling
from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges
from mmfewshot_seg.structures import SupportState


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


class QuerySegmentation:
    """Segments images by a fitted support set; threads may share it.

    Args:
        model: The network.
        pipeline: What loads and transforms queries for it.
        refine: How edges are drawn, see :func:`refine_edges`; None: not at all.
    """

    def __init__(
        self, model: FewShotSegmentor, pipeline: ImagePipeline, refine: str | None
    ) -> None:
        self.model, self.pipeline, self.refine = model, pipeline, refine

    def stream(
        self,
        batches: Callable[[int], Iterable[list[NamedImage]]],
        support: SupportState,
        batch_size: int,
        num_workers: int,
        tiling: Tiling | None,
        skip_unreadable: bool,
    ) -> Iterator[Segmented]:
        """Read and segment batches.

        Args:
            batches: Gives the images in batches of a size.
            support: Fitted support set.
            batch_size: Images, or tiles of an image, that the network sees at once.
            num_workers: Threads that segment batches, or the tiles of an image, at the same time.
            tiling: How images are cut into tiles; None: they are seen whole.
            skip_unreadable: Whether files that cannot be decoded are left out.
        """
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
        unreadable: list[str] = []
        for batch in map_in_order(segment, batches(batch_size), num_workers):
            unreadable += batch.unreadable
            yield batch
        tell_unreadable(unreadable)

    def segment(self, batch: list[Query], support: SupportState) -> list[SegDataSample]:
        """Segment a batch; those of unlike sizes go through the network one after the other."""
        found = self._scored([q.image for q in batch], support, support.get('min_score'))
        return [
            self._data_sample(query, logits, logits.argmax(0, keepdim=True), presence, support)
            for query, (logits, presence) in zip(batch, found, strict=True)
        ]

    def segment_view(self, seen: Tensor, support: SupportState) -> SegDataSample:
        """Segment (3, H, W) uint8, which has been through the pipeline."""
        image = np.ascontiguousarray(seen.permute(1, 2, 0).numpy())
        view = View(seen, (seen.shape[1], seen.shape[2]))
        ((logits, presence),) = self._scored([image], support, views=[view])
        query = Query('support', None, image)
        return self._data_sample(query, logits, logits.argmax(0, keepdim=True), presence, support)

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
            samples = self.segment(queries, support)
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
            return self.segment([query], support)[0]

        def segment(batch: list[Tile]) -> list[tuple[Tensor, Tensor]]:
            return self._scored([query.image[tile] for tile in batch], support)

        cut = list(tiles)
        parts = [cut[i : i + batch_size] for i in range(0, len(cut), batch_size)]
        batches = map_in_order(segment, parts, num_workers)
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
