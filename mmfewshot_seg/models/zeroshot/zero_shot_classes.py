"""What a detector has to know of its classes: names, word vectors, background, vocabulary.

Shape letters: ``S`` seen classes, ``U`` unseen classes, ``K`` classes, ``D`` length of a word
vector, ``V`` words of the vocabulary.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.word_vectors import (
    WordVectors,
    check_rows,
    read_vocabulary,
    read_word_vectors,
    scale_rows,
)
from mmfewshot_seg.classes.zeroshot_splits import ZeroShotSplit, resolve_split
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses


@dataclass(frozen=True, eq=False)
class ZeroShotClasses:
    """Names and vectors.

    Attributes:
        split: Names of the seen and unseen classes.
        seen: (S, D) float32.
        unseen: (U, D) float32.
        background: (D,) float32, what the background vector begins with.
        vocabulary: (V, D) float32; V is 0 without one.
        word_vectors: The file that the vectors are from, or its content.
        centre: (D,) float32, what was taken off all vectors.
        norm: Length that they were scaled to, if they were.
    """

    split: ZeroShotSplit
    seen: np.ndarray
    unseen: np.ndarray
    background: np.ndarray
    vocabulary: np.ndarray
    word_vectors: str | os.PathLike | WordVectors
    centre: np.ndarray
    norm: float | None

    def detected(self, mode: str) -> DetectedClasses:
        """Those of a mode, as a prediction is asked for them.

        Args:
            mode: ``'seen'``, ``'unseen'`` or ``'generalized'``.

        Raises:
            ValueError: If there is no such mode, or no class in it.
        """
        return DetectedClasses(
            names=self.split.classes(mode), mode=mode, unseen=torch.from_numpy(self.unseen)
        )

    def with_unseen(
        self, names: ClassList, vectors: Tensor | np.ndarray | None = None
    ) -> 'ZeroShotClasses':
        """The same with other unseen classes.

        Args:
            names: K names, other than those of the seen classes, or a text file with one per line.
            vectors: (K, D) as a file of the same kind has them: they are centred and scaled as
                those of these classes; by default from the same file.

        Raises:
            ValueError: If there is no name, one is there twice or is a seen class, has no vector or
                a zero one, or the vectors do not fit in number or length.
        """
        split = ZeroShotSplit(self.split.seen, names)
        split.classes('unseen')  # refuses none at all
        if vectors is None:
            unseen = self.vectors_of(split.unseen)
        else:
            given = torch.as_tensor(vectors).detach().float().cpu().numpy()
            unseen = self.prepared(split.unseen, given)
        return replace(self, split=split, unseen=unseen)

    def vectors_of(self, names: Sequence[str]) -> np.ndarray:
        """(K, D) vectors of any classes that the file has, prepared as those of these classes.

        Raises:
            ValueError: If a class has no vector.
        """
        return self.prepared(names, vector_table(self.word_vectors, names).select(names))

    def prepared(self, names: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """Vectors (K, D) as they are in a file, centred and scaled as those of these classes.

        Raises:
            ValueError: If they have another number or length, one is zero then, or a number is not
                finite.
        """
        if vectors.ndim != 2 or vectors.shape[1:] != self.centre.shape:
            raise ValueError(
                f'vectors of shape {vectors.shape}, expected a row of {len(self.centre)} numbers '
                'per class'
            )
        if len(vectors) != len(names):
            raise ValueError(f'{len(vectors)} vectors for {len(names)} classes')
        vectors = vectors - self.centre
        check_rows(vectors, names, 'classes', zero=False)
        return vectors if self.norm is None else scale_rows(vectors, self.norm)


def load_classes(
    split: str | dict | ZeroShotSplit,
    word_vectors: str | os.PathLike | WordVectors,
    vocabulary: str | os.PathLike | np.ndarray | None = None,
    background: str | int | None = None,
    norm: float | None = None,
    center: bool = False,
) -> ZeroShotClasses:
    """Read what ``classes`` of a detector's config describes.

    Args:
        split: ``'coco_48_17'``, ``'coco_65_15'``, or ``dict(seen=..., unseen=...)`` of lists of
            names or of text files with one name per line.
        word_vectors: A file that :func:`read_word_vectors` knows, or its content.
        vocabulary: A file that :func:`read_vocabulary` knows, or (V, D) numbers; none for an
            encoder without vocabulary.
        background: Word whose vector the background begins with, or 0 for the zero vector; by
            default that of the file, or the mean of the seen classes where the file has none.
        norm: Length that the vectors of classes are scaled to, the background by the mean factor;
            by default they stay as they are.
        center: Whether the mean of the seen classes is taken off all vectors, the background's
            too, before they are scaled. Masks of unseen classes are made of similarities with
            *all* seen classes; vectors that all resemble one another, as those of attributes do,
            drown the few that matter.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a class has no vector or a zero one, the split is unknown or overlaps, the
            background is none of these, or vectors of the vocabulary have another length or
            numbers that are not finite.
    """
    split = resolve_split(split)
    names = split.seen + split.unseen
    table = vector_table(
        word_vectors, (*names, background) if isinstance(background, str) else names
    )
    vectors = table.select(names)
    mean = vectors[: len(split.seen)].mean(axis=0)
    centre = mean if center else np.zeros_like(mean)
    start = _background(background, table, mean, centre)
    vectors = vectors - centre
    check_rows(vectors, names, 'word vectors', zero=False)
    if norm is not None:
        start = start * np.mean(norm / np.linalg.norm(vectors, axis=1))
        vectors = scale_rows(vectors, norm)
    if vocabulary is None:
        vocabulary = np.empty((0, vectors.shape[1]))
    elif isinstance(vocabulary, str | os.PathLike):
        vocabulary = read_vocabulary(vocabulary)
    if vocabulary.shape[1] != vectors.shape[1]:
        raise ValueError(
            f'vocabulary of shape {vocabulary.shape} beside word vectors of length '
            f'{vectors.shape[1]}: both must come from the same word-vector model'
        )
    check_rows(vocabulary, range(len(vocabulary)), 'vocabulary')
    seen, unseen = np.split(vectors, [len(split.seen)])
    return ZeroShotClasses(
        split, seen, unseen, start, vocabulary, word_vectors, centre=centre, norm=norm
    )


def _background(
    given: str | int | None, table: WordVectors, mean: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    if isinstance(given, str):
        return table.select([given])[0] - centre
    if given is None:
        return (mean if table.background is None else table.background) - centre
    if given != 0:
        raise ValueError(f'classes.background={given!r}, expected a word, 0, or None')
    return np.zeros_like(mean)


def vector_table(
    word_vectors: str | os.PathLike | WordVectors, wanted: Sequence[str]
) -> WordVectors:
    """The words that are wanted of a file, or the table that is given."""
    if isinstance(word_vectors, WordVectors):
        return word_vectors
    return read_word_vectors(word_vectors, wanted)
