"""Normalise and stack episodes."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmseg.models import SegDataPreProcessor
from torch import Tensor

from mmfewshot_seg.compat import flips_channels
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg')
class EpisodeDataPreProcessor(SegDataPreProcessor):
    """``SegDataPreProcessor`` for episodes; takes the same arguments.

    Queries of a batch are padded to their largest size, and so are supports: images with
    ``pad_val`` after normalisation, masks with ``seg_pad_val``. ``size`` and ``size_divisor``
    hold in training, for queries and supports alike, as in mmseg.

    Raises:
        ValueError: If ``batch_augments`` or ``test_cfg`` is given.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for name in ('batch_augments', 'test_cfg'):
            if getattr(self, name):
                raise ValueError(f'EpisodeDataPreProcessor does not support {name}; remove it')

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch of ``B`` episodes.

        Args:
            data: ``inputs`` with lists of ``query`` (Q, 3, H, W), ``support`` (N, K, 3, H, W)
                and ``support_masks`` (N, K, H, W), and optionally ``data_samples``, a list of
                :class:`Episode`. With a list ``support_seeds`` of (N, K, S, 2), or None, in
                ``inputs`` too, rows and columns at feature size. Outside training queries or
                supports may be missing: supports alone are fitted, queries segmented later.
            training: Whether ``query_masks`` are padded like the queries, and ``size`` and
                ``size_divisor`` hold.

        Returns:
            ``inputs`` with ``query`` (B, Q, 3, H, W) and ``support`` (B, N, K, 3, H, W) float32,
            ``support_masks`` (B, N, K, H, W) int64; ``support_seeds`` (B, N, K, S, 2) int64 if
            every episode has them and no support was padded; ``data_samples`` as they came.
            What is missing in ``inputs`` is missing here.
        """
        data = self.cast_data(data)
        inputs, episodes = data['inputs'], data.get('data_samples')
        prepared = {
            name: self._stack_images(inputs[name], training)
            for name in ('query', 'support')
            if name in inputs
        }
        if 'support' in inputs:
            size = prepared['support'].shape[-2:]
            masks = [self._pad(m.long(), size, self.seg_pad_val) for m in inputs['support_masks']]
            prepared['support_masks'] = torch.stack(masks)
            seeds = inputs.get('support_seeds', [None])
            unpadded = all(image.shape[-2:] == size for image in inputs['support'])
            if unpadded and all(places is not None for places in seeds):
                prepared['support_seeds'] = torch.stack(seeds)
        if training:
            for episode in episodes:
                size = prepared['query'].shape[-2:]
                episode.query_masks = self._pad(episode.query_masks, size, self.seg_pad_val)
        return dict(inputs=prepared, data_samples=episodes)

    def denormalize(self, images: Tensor) -> Tensor:
        """Images (..., 3, H, W) as they were before :meth:`forward` but for their order, uint8."""
        if self._enable_normalize:
            images = images * self.std + self.mean
        return images.round().clamp(0, 255).byte()

    def _stack_images(self, images: Sequence[Tensor], training: bool) -> Tensor:
        images = [self._normalize(image) for image in images]
        size = [max(image.shape[axis] for image in images) for axis in (-2, -1)]
        if training and self.size is not None:
            size = [max(pair) for pair in zip(size, self.size, strict=True)]
        if training and self.size_divisor is not None:
            size = [math.ceil(side / self.size_divisor) * self.size_divisor for side in size]
        return torch.stack([self._pad(image, size, self.pad_val) for image in images])

    def _normalize(self, image: Tensor) -> Tensor:
        """Channel order, mean and standard deviation of (..., 3, H, W) images."""
        if flips_channels(self):
            image = image.flip(-3)
        image = image.float()
        return (image - self.mean) / self.std if self._enable_normalize else image

    @staticmethod
    def _pad(tensor: Tensor, size: Sequence[int], value: float) -> Tensor:
        """Pad the last two dimensions at the bottom and right."""
        height, width = tensor.shape[-2:]
        return F.pad(tensor, (0, size[1] - width, 0, size[0] - height), value=value)
