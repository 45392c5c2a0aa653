"""Zero-shot heads as they are published: every layer by itself, every class, decoders in inference.

Oracle of the tests and peer of the benchmark. Parameters are named as ours, so that the weights of
ours load; of the mask head's four convolutions, each applied to the RoI features, the last acts.

Shape letters: ``R`` RoIs, ``D`` length of a word vector, ``V`` words of the vocabulary, ``S`` seen
and ``U`` unseen classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NaiveBBoxHead(nn.Module):
    """Args: vectors (S + 1, D), background last, (U, D), and the vocabulary, (V, D)."""

    def __init__(
        self, seen: Tensor, unseen: Tensor, vocabulary: Tensor, channels: int, width: int
    ) -> None:
        super().__init__()
        words, word_dim = vocabulary.shape
        self.seen, self.unseen, self.vocabulary = seen, unseen, vocabulary
        self.shared_fcs = nn.ModuleList(
            [nn.Linear(channels * 7 * 7, width), nn.Linear(width, width)]
        )
        self.fc_reg = nn.Linear(width, 4 * (len(seen) - 1))
        self.fc_semantic = nn.Linear(width, word_dim)
        self.kernel_semantic = nn.Linear(words, word_dim)
        self.d_kernel_semantic = nn.Linear(word_dim, words)
        self.d_fc_semantic = nn.Linear(word_dim, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, deltas and decoded features of RoI features."""
        x = x.flatten(1)
        for layer in self.shared_fcs:
            x = layer(x).relu()
        compared = self.fc_semantic(x) @ self.vocabulary.T
        words = self.kernel_semantic(compared)
        decoded = self.d_fc_semantic(self.d_kernel_semantic(words) @ self.vocabulary)
        return words @ self.seen.T, self.fc_reg(x), decoded

    def scores(self, logits: Tensor) -> Tensor:
        """(R, S + U), seen classes first."""
        words = logits.softmax(1) @ self.seen
        return torch.cat([words @ self.seen[:-1].T, words @ self.unseen.T], dim=1)


class NaiveMaskHead(nn.Module):
    """Args: vectors (S + 1, D), background last, and (U, D)."""

    def __init__(self, seen: Tensor, unseen: Tensor, channels: int) -> None:
        super().__init__()
        word_dim = seen.shape[1]
        self.seen, self.unseen = seen, unseen
        self.convs = nn.ModuleList(_conv(channels, channels) for _ in range(4))
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.convT, self.dconvT = _conv(channels, word_dim), _conv(word_dim, channels)
        self.kernel_semantic = nn.Conv2d(word_dim, word_dim, 3, padding=1)
        self.d_kernel_semantic = nn.Conv2d(word_dim, word_dim, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R, S + U, L, L) logits and decoded features of (R, channels, L / 2, L / 2)."""
        for conv in self.convs:
            trunk = conv(x)
        features = self.upsample(trunk).relu()
        words = self.kernel_semantic(self.convT(features))
        decoded = self.dconvT(self.d_kernel_semantic(words))
        seen = F.conv2d(words, self.seen[..., None, None])
        back = F.conv2d(seen, self.seen.T[..., None, None])
        unseen = F.conv2d(back, self.unseen[..., None, None])
        return torch.cat([seen[:, :-1], unseen], dim=1), decoded


def _conv(in_channels: int, out_channels: int) -> nn.Module:
    """With the key ``conv``, as mmcv's."""
    layers = nn.Sequential()
    layers.add_module('conv', nn.Conv2d(in_channels, out_channels, 3, padding=1))
    layers.add_module('relu', nn.ReLU(inplace=True))
    return layers
