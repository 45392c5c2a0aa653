"""The fixed vectors that a head compares its features with.

Shape letters: ``S`` seen classes, ``U`` unseen classes, ``K`` classes to detect, ``D`` length of a
word vector.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses


class ClassVectors(nn.Module):
    """Vectors of the seen classes, and the background that completes them.

    None of them is in the state dict. The background is read where it is needed and never copied,
    so it cannot be out of date. Vectors of unseen classes come with every prediction, as
    :class:`DetectedClasses`.

    Args:
        num_seen: S.
        word_dim: D.
        sync_background: Whether the background is that of :meth:`bind_background`, once there is
            one, or remains the word vector.

    Attributes:
        seen: (S, D).
        word_background: (D,), the word vector of the background.
    """

    def __init__(self, num_seen: int, word_dim: int, sync_background: bool = True) -> None:
        super().__init__()
        for name, shape in (
            ('seen', (num_seen, word_dim)),
            ('word_background', (word_dim,)),
        ):
            self.register_buffer(name, torch.zeros(shape), persistent=False)
        self.sync_background = sync_background
        self.is_set = False
        self._read_background: Callable[[], Tensor] | None = None

    def set(
        self,
        seen: Tensor | None = None,
        background: Tensor | None = None,
    ) -> None:
        """Replace the vectors that are given.

        Args:
            seen: (S, D), in the order of the labels.
            background: (D,) word vector.

        Raises:
            ValueError: If a number or a length does not fit, or a value is not finite.
        """
        num_seen, word_dim = self.seen.shape
        if seen is not None:
            self.seen = self._checked('seen', seen, (num_seen, word_dim))
            self.is_set = True
        if background is not None:
            self.word_background = self._checked('background', background, (word_dim,))

    def bind_background(self, read: Callable[[], Tensor]) -> None:
        """Take the background, (D,), from ``read`` at every use.

        ``read`` may be a bound method of another part of the model: it is copied with the model.
        """
        self._read_background = read

    def background(self) -> Tensor:
        """(D,)."""
        if self.sync_background and self._read_background is not None:
            return self._read_background()
        return self.word_background

    def classifier(self) -> Tensor:
        """(S + 1, D): the seen classes, then the background.

        Raises:
            RuntimeError: If no vectors were set.
        """
        if not self.is_set:
            raise RuntimeError(
                'the vectors of the seen classes are not set; give the detector its "classes", or '
                'call class_vectors.set(...) of a head that is used alone'
            )
        return torch.cat([self.seen, self.background()[None]])

    def targets(self, detected: DetectedClasses) -> Tensor:
        """(K, D) vectors of the classes to detect, in the order of the labels."""
        if detected.mode == 'seen':
            return self.seen
        unseen = detected.unseen.to(self.seen)
        return unseen if detected.mode == 'unseen' else torch.cat([self.seen, unseen])

    def first_unseen(self, mode: str) -> int:
        """The label from which on classes are unseen."""
        return 0 if mode == 'unseen' else len(self.seen)

    def similarity(self, detected: DetectedClasses) -> Tensor:
        """(S + 1, K) scalar products of what a classifier tells apart and the classes to detect."""
        return self.classifier() @ self.targets(detected).T

    def _checked(self, name: str, vectors: Tensor, shape: tuple[int, ...]) -> Tensor:
        vectors = torch.as_tensor(vectors).to(self.seen)
        if vectors.shape != shape:
            raise ValueError(
                f'{name} vectors of shape {tuple(vectors.shape)}, expected {shape}: one row of '
                f'{shape[-1]} numbers per class'
            )
        if not vectors.is_meta and not vectors.isfinite().all():
            raise ValueError(f'{name} vectors hold numbers that are not finite')
        return vectors
