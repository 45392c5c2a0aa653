"""Semantic labels as MMSegmentation loads them, without wrapped numbers, and from colours."""

from collections.abc import Sequence

import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmfewshot_seg.datasets.sources.image_files import decoding
from mmfewshot_seg.datasets.sources.masks import DEEP_MODES, read_label_map, turned
from mmfewshot_seg.registry import TRANSFORMS, register
from mmfewshot_seg.structures.labels import IGNORED

_SHOWN = 10


@register(TRANSFORMS, host='mmseg')
class LoadLabels(LoadAnnotations):
    """Write ``gt_seg_map``, as ``LoadAnnotations`` of MMSegmentation does.

    Labels above 255 and colours are refused, where the host would go on with their lowest 8 bits or
    with a map of three channels.

    Args:
        palette: RGB of each class in order, for label files in colours or in greys that are no
            class indices (0 and 255: ``[(0, 0, 0), (255, 255, 255)]``). None: class indices.
        void: Colours that are ignored, beside those of ``palette``.
        kwargs: Arguments of ``LoadAnnotations``.

    Raises:
        ValueError: If a colour is listed twice or is none.
    """

    def __init__(
        self,
        palette: Sequence[Sequence[int]] | None = None,
        void: Sequence[Sequence[int]] = (),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.palette, self.void = palette, void
        if palette is None and void:
            raise ValueError('void colours go with a palette; 255 is void in class indices')
        if palette is not None:
            colours = np.array([*palette, *void])
            if (
                colours.ndim != 2
                or colours.shape[1] != 3
                or not ((0 <= colours) & (colours < 256)).all()
            ):
                raise ValueError(f'a palette has a colour (r, g, b) for each class, got {palette}')
            packed = _pack(colours)
            order = np.argsort(packed)
            self._colours, self._labels = (
                packed[order],
                np.arange(len(packed), dtype=np.int64)[order],
            )
            self._labels[self._labels >= len(palette)] = IGNORED
            if (np.diff(self._colours) == 0).any():
                raise ValueError(f'a colour is listed twice in {palette} and {void}')

    def _load_seg_map(self, results: dict) -> None:
        """Add ``gt_seg_map`` (H, W) uint8.

        Raises:
            UnreadableImageError: If the file cannot be decoded.
            ValueError: If it holds no class indices, or colours that are not listed.
        """
        path = results['seg_map_path']
        if self.palette is not None:
            results['gt_seg_map'] = self._from_colours(path, results.get('label_map'))
            results['seg_fields'].append('gt_seg_map')
            return
        with decoding(path):
            with Image.open(path) as image:
                channels, is_deep = len(image.getbands()), image.mode in DEEP_MODES
        if channels > 1:
            raise ValueError(
                f'{path}: labels are one value per pixel, this file has {channels} channels; read '
                'its colours with palette=[(r, g, b), ...] of mmfewshot_seg.LoadLabels or '
                'SegDatasetSource, a colour for each class'
            )
        if is_deep:  # which the host would take modulo 256
            read_label_map(path)
        with decoding(path):
            super()._load_seg_map(results)

    def _from_colours(self, path: str, label_map: dict[int, int] | None) -> np.ndarray:
        with decoding(path), Image.open(path) as image:
            packed = _pack(np.array(turned(image).convert('RGB'), np.int64))
        places = np.minimum(np.searchsorted(self._colours, packed), len(self._colours) - 1)
        if (unlisted := self._colours[places] != packed).any():
            found = [
                (c >> 16, c >> 8 & 255, c & 255)
                for c in np.unique(packed[unlisted])[:_SHOWN].tolist()
            ]
            raise ValueError(
                f'{path} has colours that are not in the palette: {found}; add them to palette, or '
                'to void if they are ignored'
            )
        labels = self._labels[places].astype(np.uint8)
        table = np.arange(256, dtype=np.uint8)
        for old, new in (label_map or {}).items():
            table[old] = new
        return table[labels]

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, palette={self.palette}, void={self.void})'


def _pack(colours: np.ndarray) -> np.ndarray:
    """One number for each colour of (..., 3)."""
    return (colours[..., 0] << 16) | (colours[..., 1] << 8) | colours[..., 2]
