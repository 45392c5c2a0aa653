"""Convolution of a query, its guide and their similarity, without the guide's feature map.

Shape letters: ``M`` queries, ``N`` ways, ``P`` prototypes of a way, ``C`` channels, ``h w`` size.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfewshot_seg.compat import is_recorded


class GuidedConv(nn.Conv2d):
    """Convolution of ``[query, guide, similarity]``, 2C+1 channels, without bias.

    The guide holds a prototype at each position (or, after pooling, a mixture of prototypes).
    Convolving it equals convolving the one-hot ``allocation`` with the kernel applied to the
    prototypes, ``P`` channels instead of ``C``. The query's share is the same for all ways and
    is computed once.

    Args:
        channels: C.
        out_channels: Channels of the result.
        kernel_size: Odd; the result has the size of the query.
    """

    def __init__(self, channels: int, out_channels: int, kernel_size: int = 1) -> None:
        super().__init__(
            2 * channels + 1, out_channels, kernel_size, padding=kernel_size // 2, bias=False
        )

    def forward(
        self, query: Tensor, prototypes: Tensor, allocation: Tensor, similarity: Tensor
    ) -> Tensor:
        """Convolve.

        Args:
            query: (M, C, h, w).
            prototypes: (M, N, P, C).
            allocation: (M, N, P, h, w), weights of the prototypes at each position.
            similarity: (M, N, 1, h, w).

        Returns:
            (M * N, out_channels, h, w).
        """
        channels = query.shape[1]
        of_query, of_guide, of_similarity = self.weight.split([channels, channels, 1], dim=1)
        kernels = torch.einsum('mnpc,ocyx->mnopyx', prototypes, of_guide)
        kernels = torch.cat([kernels, of_similarity.expand(*kernels.shape[:3], 1, -1, -1)], dim=3)
        guidance = torch.cat([allocation, similarity], dim=2)
        if is_recorded():
            guided = _sum_of_products(kernels, guidance)
        else:
            guided = F.conv2d(
                guidance.flatten(0, 2)[None],
                kernels.flatten(0, 2),
                padding=self.padding,
                groups=guidance.shape[0] * guidance.shape[1],
            )
            guided = guided.view(*guidance.shape[:2], -1, *query.shape[-2:])
        return (guided + F.conv2d(query, of_query, padding=self.padding).unsqueeze(1)).flatten(0, 1)


def _sum_of_products(kernels: Tensor, maps: Tensor) -> Tensor:
    """The same convolution for graphs, in which the number of groups would be fixed.

    Args:
        kernels: (M, N, out_channels, P, k, k).
        maps: (M, N, P, h, w).

    Returns:
        (M, N, out_channels, h, w).
    """
    height, width = maps.shape[-2:]
    side = kernels.shape[-1]
    padded = F.pad(maps, (side // 2,) * 4)
    products = [
        kernels[..., row, column]
        @ padded[..., row : row + height, column : column + width].flatten(-2)
        for row in range(side)
        for column in range(side)
    ]
    return torch.stack(products).sum(0).unflatten(-1, (height, width))
