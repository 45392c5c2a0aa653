"""Large images, segmented tile by tile, with seams that do not show.

Shape letters: ``N`` ways, ``H W`` image size, ``h w`` tile size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

Tile = tuple[slice, slice]


@dataclass(frozen=True)
class Tiling:
    """How images are cut into tiles.

    Args:
        size: Side of a tile in pixels.
        overlap: Least overlap of neighbours, as a share of ``size`` from 0 to 0.9.

    Raises:
        ValueError: If size or overlap is out of range.
    """

    size: int
    overlap: float = 0.25

    def __post_init__(self) -> None:
        if self.size < 32:
            raise ValueError(f'tile_size={self.size}, expected at least 32 pixels')
        if not 0 <= self.overlap <= 0.9:
            raise ValueError(
                f'tile_overlap={self.overlap}, expected a share of the tile from 0 to 0.9'
            )


@dataclass(frozen=True)
class TileGrid:
    """Tiles of one size that cover an image, evenly spaced, each overlapping its neighbours.

    Where tiles overlap, what is predicted in them is averaged with weights that rise and fall
    smoothly across a tile and add up to 1 at every pixel.

    Args:
        shape: (H, W) of the image. Where a side is shorter than a tile, it is the tile's.
        tiling: Size and overlap of the tiles.

    Source: sliding windows are those of MMSegmentation's ``EncoderDecoder.slide_inference``,
    which weighs all pixels of a window alike.
    """

    shape: tuple[int, int]
    tiling: Tiling

    @cached_property
    def starts(self) -> tuple[list[int], list[int]]:
        """First row of each row of tiles, and first column of each column of tiles."""
        return self._starts(self.shape[0]), self._starts(self.shape[1])

    def _starts(self, length: int) -> list[int]:
        size, overlap = self.tiling.size, self.tiling.overlap
        rest, step = max(length - size, 0), size - round(overlap * size)
        return np.linspace(0, rest, 1 + -(-rest // step)).round().astype(int).tolist()

    @property
    def tile_shape(self) -> tuple[int, int]:
        """(h, w) of every tile."""
        return min(self.tiling.size, self.shape[0]), min(self.tiling.size, self.shape[1])

    def __len__(self) -> int:
        return len(self.starts[0]) * len(self.starts[1])

    def __iter__(self) -> Iterator[Tile]:
        """Rows and columns of each tile, row by row."""
        (height, width), (rows, columns) = self.tile_shape, self.starts
        for top in rows:
            for left in columns:
                yield np.s_[top : top + height, left : left + width]

    def blended(self, maps: Iterable[Tensor]) -> Iterator[tuple[slice, Tensor]]:
        """Put together what was predicted in each tile.

        Only the rows of one row of tiles are in memory.

        Args:
            maps: (1+N, h, w) float32 of each tile, in their order.

        Yields:
            Rows of the image, and their (1+N, r, W) float32 means; from top to bottom, all rows.
        """
        maps = iter(maps)
        (height, width), (rows, columns) = self.tile_shape, self.starts
        down, across = (_weights(s, t) for s, t in zip(self.starts, self.tile_shape, strict=True))
        band = torch.empty(0)
        ends = [*rows[1:], self.shape[0]]
        for top, end, falling in zip(rows, ends, down, strict=True):
            for left, rising in zip(columns, across, strict=True):
                tile = next(maps) * (falling[:, None] * rising)
                if not band.numel():
                    band = tile.new_zeros(len(tile), height, self.shape[1])
                band[..., left : left + width] += tile
            done = end - top
            yield slice(top, end), band[:, :done]
            band = torch.cat([band[:, done:], torch.zeros_like(band[:, :done])], 1)


def _weights(starts: list[int], size: int) -> list[Tensor]:
    """(size,) weights of each tile along one side of the image, at each pixel 1 together."""
    bell = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    total = np.zeros(starts[-1] + size)
    for start in starts:
        total[start : start + size] += bell
    shares = [bell / total[start : start + size] for start in starts]
    return [torch.from_numpy(share).float() for share in shares]
