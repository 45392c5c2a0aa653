"""Few-shot segmentor: any backbone, an optional neck, a few-shot head.

Shape letters: ``B`` episodes, ``N`` ways, ``K`` shots, ``Q`` queries, ``C`` channels, ``H W``
image size.
"""

from collections.abc import Callable

import torch
from mmseg.models.segmentors import BaseSegmentor
from torch import Tensor

from mmfewshot_seg.compat import is_traced
from mmfewshot_seg.models.fewshot.edge_refinement import check_method, refine_edges
from mmfewshot_seg.registry import MODELS, register
from mmfewshot_seg.structures import Episode, SupportState

Features = tuple[Tensor, ...]


@register(MODELS, host='mmseg')
class FewShotSegmentor(BaseSegmentor):
    """Segments queries by what a support set shows.

    In training and testing through episodes, everything goes through the backbone in one call.
    For many queries against one support set, fit it once::

        state = model.fit_support(images, masks)
        episodes = model.predict(dict(query=queries), state=state)

    Args:
        backbone: Config of any mmseg backbone.
        decode_head: Config of a few-shot head.
        neck: Config of a neck between them.
        data_preprocessor: Config of an :class:`EpisodeDataPreProcessor`; one of mmseg's
            ``SegDataPreProcessor`` stands for it with the same arguments.
        train_cfg: Accepted so that a config of ``EncoderDecoder`` needs few changes.
        test_cfg: ``dict(prototype_maps=True)`` adds what :meth:`predict` says, for pictures;
            ``dict(refine='grabcut')`` or ``'guided'`` draws the edges of predictions to those of
            the query, see :func:`refine_edges`; other keys are ignored.
        separate_calls: Whether in training the queries and each shot of the supports go through
            the backbone by themselves. With norms that use the statistics of their batch this is
            what the official ASGNet computes; otherwise it only costs time.
        pretrained: Weights of the backbone, as in ``EncoderDecoder``.
        auxiliary_head: Must be None.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: If ``auxiliary_head`` is given, or ``refine`` is unknown.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        neck: dict | None = None,
        data_preprocessor: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        separate_calls: bool = False,
        pretrained: str | None = None,
        auxiliary_head: None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if auxiliary_head is not None:
            raise ValueError('FewShotSegmentor has no auxiliary_head: set auxiliary_head=None')
        check_method((test_cfg or {}).get('refine'))
        if pretrained is not None:
            backbone = {**backbone, 'pretrained': pretrained}
        preprocessor = dict(data_preprocessor or {})
        if preprocessor.get('type') in (None, 'SegDataPreProcessor', 'mmseg.SegDataPreProcessor'):
            preprocessor['type'] = 'mmfewshot_seg.EpisodeDataPreProcessor'
        super().__init__(preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck is not None else None
        self.decode_head = MODELS.build(decode_head)
        self.train_cfg = train_cfg
        self.test_cfg = test_cfg
        self.separate_calls = separate_calls

    def extract_feat(self, inputs: Tensor) -> Features:
        """Levels of (M, 3, H, W) images, each (M, C, h, w)."""
        features = self.backbone(inputs)
        if self.with_neck:
            features = self.neck(features)
        return (features,) if isinstance(features, Tensor) else tuple(features)

    @torch.no_grad()
    def fit_support(self, images: Tensor, masks: Tensor) -> SupportState:
        """Fit support sets.

        Args:
            images: (B, N, K, 3, H, W), normalised.
            masks: (B, N, K, H, W) int64: 0 background, 1..N the ways, 255 ignored.

        Returns:
            What :meth:`predict` needs, without gradient; it can be saved and loaded.

        Raises:
            ValueError: If shapes of images and masks do not fit.
        """
        self._check_support(images, masks)
        return self.decode_head.prototypes(self._extract(images), masks)

    def encode_decode(
        self, inputs: dict, data_samples: list | None = None, state: SupportState | None = None
    ) -> Tensor:
        """(B, Q, 1+N, H, W) logits of the queries at their own size, background first.

        Args:
            inputs: ``query`` and, without ``state``, ``support`` and ``support_masks``, see
                :class:`EpisodeDataPreProcessor`.
            data_samples: Not used.
            state: Fitted support sets.
        """
        query, state = self._fitted(inputs, state)
        return self._logits(inputs, query, state)

    def loss(self, inputs: dict, data_samples: list[Episode]) -> dict[str, Tensor]:
        """Losses of the head; the episodes' ``query_masks`` have the size of the queries."""
        query, support = self._extract_episodes(inputs)
        query_masks = torch.stack([episode.query_masks for episode in data_samples])
        masks, extras = inputs['support_masks'], self._extras(inputs)
        return self.decode_head.loss(query, support, masks, query_masks, **extras)

    def predict(
        self,
        inputs: dict,
        data_samples: list[Episode] | None = None,
        state: SupportState | None = None,
    ) -> list[Episode]:
        """Segment queries.

        Args:
            inputs: See :meth:`encode_decode`.
            data_samples: Episodes; made if None.
            state: Fitted support sets, instead of ``support`` and ``support_masks``.

        Returns:
            The episodes, with ``pred_masks``. With ``prototype_maps`` in ``test_cfg`` also with the
            maps of the head's ``prototype_maps``: ``support_clusters`` (N, K, H', W') at the size
            of the supports and ``guides`` (Q, N, H, W) on the canvas of ``pred_masks``.
        """
        query, state = self._fitted(inputs, state)
        logits, options = self._logits(inputs, query, state), self.test_cfg or {}
        if options.get('refine'):
            logits = self._refined(inputs['query'], logits, options['refine'])
        episodes = self.postprocess_result(logits, data_samples)
        if options.get('prototype_maps'):
            self._set_prototype_maps(
                inputs, episodes, *self.decode_head.prototype_maps(query, state)
            )
        return episodes

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list[Episode] | None = None
    ) -> list[Episode]:
        """Set ``pred_masks`` (Q, H, W) of each episode where it is judged, see :class:`Episode`."""
        if data_samples is None:
            shapes = (tuple(seg_logits.shape[-2:]),) * seg_logits.shape[1]
            meta = dict(img_shapes=shapes, eval_shapes=shapes)
            data_samples = [Episode(metainfo=meta) for _ in seg_logits]
        for episode, logits in zip(data_samples, seg_logits, strict=True):
            logits = self._on_canvas(logits, episode, self.decode_head.resize)
            episode.pred_masks = logits.argmax(1)
        return data_samples

    @staticmethod
    def _on_canvas(maps: Tensor, episode: Episode, resize: Callable) -> Tensor:
        """(Q, c, H', W') maps on the canvas of the labels, 0 beyond, of (Q, c, H, W) ones."""
        canvas = episode.get('query_masks', maps[:, 0])
        laid = maps.new_zeros(*maps.shape[:2], *canvas.shape[1:])
        shapes = zip(episode.img_shapes, episode.eval_shapes, strict=True)
        for i, (query, (shape, eval_shape)) in enumerate(zip(maps, shapes, strict=True)):
            query = query[..., : shape[0], : shape[1]]
            if shape != eval_shape:
                query = resize(query[None], eval_shape)[0]
            query = query[..., : laid.shape[-2], : laid.shape[-1]]
            laid[i, :, : query.shape[-2], : query.shape[-1]] = query
        return laid

    def _set_prototype_maps(
        self, inputs: dict, episodes: list[Episode], clusters: Tensor, guides: Tensor
    ) -> None:
        for i, episode in enumerate(episodes):
            if 'support' in inputs:
                masks = inputs['support_masks'][i]
                ways = torch.arange(1, len(masks) + 1, device=masks.device).view(-1, 1, 1, 1)
                enlarged = _nearest(clusters[i], masks.shape[-2:])
                episode.support_clusters = enlarged.long() * (masks == ways)
            enlarged = _nearest(guides[i], inputs['query'].shape[-2:])
            episode.guides = self._on_canvas(enlarged, episode, _nearest)

    def _fitted(self, inputs: dict, state: SupportState | None) -> tuple[Features, SupportState]:
        """Levels of the queries, and the state of the supports, fitted here if it is None."""
        if state is not None:
            return self._extract(inputs['query']), state
        query, support = self._extract_episodes(inputs)
        masks, extras = inputs['support_masks'], self._extras(inputs)
        return query, self.decode_head.prototypes(support, masks, **extras)

    def _logits(self, inputs: dict, query: Features, state: SupportState) -> Tensor:
        scores = self.decode_head.scores(query, state)
        return self.decode_head.resize(scores, inputs['query'].shape[-2:])

    def _refined(self, queries: Tensor, logits: Tensor, method: str) -> Tensor:
        """Logits (B, Q, 1+N, H, W) whose edges are those of the (B, Q, 3, H, W) queries."""
        images = self.data_preprocessor.denormalize(queries).flatten(0, 1)
        refined = [
            refine_edges(scores, image.permute(1, 2, 0).cpu().numpy(), method)
            for scores, image in zip(logits.flatten(0, 1), images, strict=True)
        ]
        return torch.stack(refined).view_as(logits).to(logits.device)

    def _forward(self, inputs: dict, data_samples: list | None = None) -> Tensor:
        return self.encode_decode(inputs)

    def _extras(self, inputs: dict) -> dict[str, Tensor]:
        """Further inputs that the head knows, as far as the batch has them."""
        return {name: inputs[name] for name in self.decode_head.support_extras if name in inputs}

    def _extract(self, images: Tensor) -> Features:
        """Levels of (..., 3, H, W) images, each (..., C, h, w)."""
        features = self._encode(images.flatten(0, -4))
        return tuple(level.unflatten(0, images.shape[:-3]) for level in features)

    def _encode(self, images: Tensor) -> Features:
        """Levels of (M, 3, H, W) images, each (M, C, h, w).

        On a CPU without gradients the images go one by one, their channels last: together they
        take no less time, but the memory of all, and other layouts more time.
        """
        if images.device.type != 'cpu' or self.training or torch.is_grad_enabled() or is_traced():
            return self.extract_feat(images)
        images = images.contiguous(memory_format=torch.channels_last)
        each = [self.extract_feat(image) for image in images.split(1)]
        return tuple(torch.cat(level) for level in zip(*each, strict=True))

    def _extract_episodes(self, inputs: dict) -> tuple[Features, Features]:
        """Query and support levels, by one call of the backbone where the sizes agree."""
        query, support = inputs['query'], inputs['support']
        self._check_support(support, inputs['support_masks'])
        if self.training and self.separate_calls:
            query = self._extract(query)
            shots = [self._extract(shot) for shot in support.unbind(2)]
            return query, tuple(torch.stack(levels, 2) for levels in zip(*shots, strict=True))
        if query.shape[-3:] != support.shape[-3:]:
            return self._extract(query), self._extract(support)
        images = torch.cat([query.flatten(0, 1), support.flatten(0, 2)])
        num_queries = query.shape[0] * query.shape[1]
        features = self._encode(images)
        return (
            tuple(level[:num_queries].unflatten(0, query.shape[:2]) for level in features),
            tuple(level[num_queries:].unflatten(0, support.shape[:3]) for level in features),
        )

    @staticmethod
    def _check_support(images: Tensor, masks: Tensor) -> None:
        shapes_fit = images.dim() == 6 and images.shape[:3] + images.shape[4:] == masks.shape
        if not shapes_fit or 0 in masks.shape:
            raise ValueError(
                'support images must be (B, N, K, 3, H, W) and masks (B, N, K, H, W), none empty, '
                f'got {tuple(images.shape)} and {tuple(masks.shape)}'
            )


def _nearest(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Labels (..., h, w) at another size, the corners aligned."""
    rows, columns = (
        torch.linspace(0, old - 1, new, device=labels.device).round().long()
        for old, new in zip(labels.shape[-2:], size, strict=True)
    )
    return labels[..., rows.unsqueeze(1), columns]
