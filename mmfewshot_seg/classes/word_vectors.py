"""Word vectors of classes: read from the usual files, picked by class name.

A class whose whole name is not in the file has the mean of the vectors of its words. Any dimension
will do, so that vectors of CLIP, of sentence encoders or of attributes work the same way.

Shape letters: n words, D dimensions, V words of a vocabulary.
"""

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mmfewshot_seg.classes.word_vector_files import (
    Entry,
    Keep,
    binary_entries,
    column_names,
    file_format,
    read_npz,
    read_table,
    text_entries,
    write_entries,
)
from mmfewshot_seg.classes.zeroshot_splits import SPLITS, plain_name
from mmfewshot_seg.did_you_mean import did_you_mean

_ENTRIES = {'text': text_entries, 'binary': binary_entries}


@dataclass(frozen=True, eq=False)
class WordVectors:
    """A vector for every word.

    Attributes:
        names: Words or class names; compared by `plain_name`, hence equal to none other in it.
        vectors: (n, D) float32, finite.
        background: (D,) float32, the vector of the background, if the file has one.
        others: Words of the file that were not read, to be proposed where a word is missing.

    Raises:
        ValueError: If shapes do not fit, a name is there twice, or a number is not finite.
    """

    names: tuple[str, ...]
    vectors: np.ndarray
    background: np.ndarray | None = None
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, np.float32)
        object.__setattr__(self, 'names', tuple(map(str, self.names)))
        object.__setattr__(self, 'vectors', vectors)
        if vectors.ndim != 2 or len(vectors) != len(self.names) or not vectors.size:
            raise ValueError(
                f'{len(self.names)} names and vectors of shape {vectors.shape}: a row per name is '
                'wanted, (n, D)'
            )
        if self.background is not None:
            background = np.asarray(self.background, np.float32)
            object.__setattr__(self, 'background', background)
            if background.shape != vectors.shape[1:]:
                raise ValueError(
                    f'background of shape {background.shape} to vectors of shape {vectors.shape}'
                )
            if not np.isfinite(background).all():
                raise ValueError('the vector of the background is not finite')
        if len(self._rows) < len(self.names):
            spelled = [plain_name(name) for name in self.names]
            twice = sorted({name for name in self._rows if spelled.count(name) > 1})
            raise ValueError(f'names are there twice: {", ".join(twice[:10])}')
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise ValueError(f'the vector of {self.names[finite.argmin()]!r} is not finite')

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {plain_name(name): row for row, name in enumerate(self.names)}

    def select(self, names: Sequence[str]) -> np.ndarray:
        """Vectors of classes.

        A name that is there as a whole, for instance ``traffic_light``, has that vector. Else it
        has the mean of the vectors of its words; words that are not there are left out, with a
        warning.

        Args:
            names: Class names.

        Returns:
            (len(names), D) float32, not normalised; see `scale_rows`.

        Raises:
            ValueError: If no word of a name is there.

        Examples:
            >>> table = WordVectors(('hot', 'dog', 'cat'), [[1, 0], [0, 1], [2, 2]])
            >>> table.select(['hot dog', 'Cat'])
            array([[0.5, 0.5],
                   [2. , 2. ]], dtype=float32)
        """
        known = [*self._rows, *self.others]
        found = [self._rows_of(name) for name in names]
        unknown = [name for name, rows in zip(names, found, strict=True) if not rows]
        if unknown:
            unknown = [f'{name!r}{did_you_mean(name, known)}' for name in unknown]
            raise ValueError(
                f'no word vector for {", ".join(unknown)}: rename the class, or add its vector to '
                'the file'
            )
        for name in names:
            missing = [f'{w!r}{did_you_mean(w, known)}' for w in self._missing_words(name)]
            if missing:
                warnings.warn(
                    f'{name!r} has the vector of its other words alone, as there is none for '
                    f'{", ".join(missing)}',
                    stacklevel=2,
                )
        return np.stack([self.vectors[rows].mean(axis=0) for rows in found])

    def _rows_of(self, name: str) -> list[int]:
        """Rows whose mean is the vector of a class."""
        whole = plain_name(name)
        words = [whole] if whole in self._rows else whole.split()
        return [self._rows[word] for word in words if word in self._rows]

    def _missing_words(self, name: str) -> list[str]:
        whole = plain_name(name)
        return [word for word in whole.split() if not {word, whole} & self._rows.keys()]

    def normalized(self, norm: float = 1.0) -> 'WordVectors':
        """All vectors scaled to one length; the background by the mean factor of the others.

        Raises:
            ValueError: If a vector is zero.
        """
        lengths = np.linalg.norm(self.vectors, axis=1)
        if not lengths.all():
            raise ValueError(f'the vector of {self.names[lengths.argmin()]!r} is zero')
        background = self.background
        if background is not None:
            background = background * np.mean(norm / lengths)
        return replace(self, vectors=scale_rows(self.vectors, norm), background=background)


def scale_rows(vectors: np.ndarray, norm: float = 1.0) -> np.ndarray:
    """Rows scaled to one length.

    Args:
        vectors: (n, D).
        norm: Length wanted.

    Raises:
        ValueError: If a row is zero, or ``norm`` is not positive.
    """
    if not norm > 0:
        raise ValueError(f'norm={norm}: a length above 0 is wanted')
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError(f'the vector in row {lengths.argmin()} is zero and has no direction')
    return (vectors * (norm / lengths)).astype(np.float32)


def check_rows(vectors: np.ndarray, names: Sequence[str], what: str, zero: bool = True) -> None:
    """Refuse vectors that make losses or scores of nothing.

    Args:
        vectors: (n, D).
        names: Names of the rows.
        what: Whose they are, for messages.
        zero: Whether a vector may be zero.

    Raises:
        ValueError: If a number is not finite, or a vector is zero and may not be.
    """
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise ValueError(f'{what}: the vector of {names[int(finite.argmin())]!r} is not finite')
    empty = ~vectors.any(axis=1)
    if not zero and empty.any():
        raise ValueError(
            f'{what}: the vector of {names[int(empty.argmax())]!r} is zero, and like every other; '
            'give the class another vector'
        )


def read_word_vectors(
    path: str | os.PathLike,
    wanted: Sequence[str] | None = None,
    names: Sequence[str] | str | os.PathLike | None = None,
) -> WordVectors:
    """Read a file of any of the formats of `word_vector_files.file_format`.

    Where words differ in case only, that in lower case counts, then the first. A comma-separated
    table has a column per class, of which the first may be the background, and no words: the
    columns are told by ``names``, by a ``classes.json`` beside it, or are those of the published
    tables of ZSI (background, seen, unseen classes of 48/17 or 65/15). A byte-order mark is no
    matter.

    Args:
        path: The file.
        wanted: Class names that will be selected; only their words are kept. Large files are
            then read in seconds and need no memory.
        names: Names of the columns of a comma-separated table without its background: a list, a
            text file with one name per line, or a json like ``classes.json``,
            ``{"any name": {"seen": [...], "unseen": [...]}}``, of which the part counts that has
            as many classes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of no known format, or names and columns do not fit.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'word vectors {path} do not exist')
    kind = file_format(path)
    if kind == 'table':
        return _named_table(path, names)
    if names is not None:
        raise ValueError(f'{path} has names of its own; names={names!r:.40} is for tables without')
    if kind == 'npz':
        arrays = read_npz(path)
        return WordVectors(tuple(arrays['names']), arrays['vectors'], arrays.get('background'))
    keep, near = _filters(wanted)
    return _collect(_ENTRIES[kind](path, keep), near, path, wanted or ())


def read_vocabulary(path: str | os.PathLike) -> np.ndarray:
    """Vectors of a vocabulary, in the order of the file.

    Args:
        path: The published comma-separated table with a column per word, or any word-vector file.

    Returns:
        (V, D) float32, finite.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of no known format, or a number is not finite.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f'vocabulary {path} does not exist. The published one, vocabulary_w2v.txt (300 x 4717, '
            "vectors of NUS-WIDE tags), is not in ZSI's repository but in that of PL-ZSD, "
            'salman-h-khan/PL-ZSD_Release, as MSCOCO/vocabulary_w2v.txt; vocabulary=None does '
            'without'
        )
    if file_format(path) == 'table':
        vectors = read_table(path)
        check_rows(vectors, [f'column {n}' for n in range(1, len(vectors) + 1)], path)
        return vectors
    return read_word_vectors(path).vectors


def write_word_vectors(path: str | os.PathLike, table: WordVectors) -> None:
    """Write a ``.npz``, or text with a name and its numbers in every line; see `write_entries`."""
    arrays = dict(vectors=table.vectors)
    if table.background is not None:
        arrays['background'] = table.background
    write_entries(os.fspath(path), table.names, arrays)


def _filters(wanted: Sequence[str] | None) -> tuple[Keep, Keep]:
    """Which words to keep, and which to remember as near one that is wanted."""
    if wanted is None:
        return lambda word: True, lambda word: False
    wholes = {plain_name(name) for name in wanted}
    words = wholes | {word for name in wholes for word in name.split()}
    # Three letters in common: a typo lies behind them as a rule, and few words of a million pass.
    starts, longest = {word[:3] for word in words}, max(map(len, words), default=0) + 2

    def near(word: str) -> bool:
        return word[:3].lower() in starts and len(word) <= longest

    return lambda word: plain_name(word) in words, near


def _collect(entries: Iterable[Entry], near: Keep, path: str, wanted: Sequence[str]) -> WordVectors:
    kept: dict[str, tuple[str, np.ndarray]] = {}
    others = []
    for word, vector in entries:
        if vector is None:
            if near(word):
                others.append(plain_name(word))
            continue
        key = plain_name(word)
        if key not in kept or (word == word.lower() and kept[key][0] != kept[key][0].lower()):
            kept[key] = word, vector
    if not kept:
        missing = ', '.join(f'{name!r}{did_you_mean(name, others)}' for name in wanted[:5])
        raise ValueError(f'{path} has no word vector for {missing}')
    words, vectors = zip(*kept.values(), strict=True)
    return WordVectors(words, np.stack(vectors), others=tuple(dict.fromkeys(others)))


def _named_table(path: str, names: Sequence[str] | str | os.PathLike | None) -> WordVectors:
    columns = read_table(path)
    lists = column_names(path, names)
    # A published table has a background: 80 columns alone may be in COCO's order.
    published = [split.seen + split.unseen for split in SPLITS.values()] if names is None else []
    for candidate in (*lists, *published):
        if len(columns) == len(candidate) + 1:
            return WordVectors(candidate, columns[1:], background=columns[0])
    for candidate in lists:
        if len(columns) == len(candidate):
            return WordVectors(candidate, columns)
    found = f'{path} has {len(columns)} columns of {columns.shape[1]} numbers'
    if not lists:
        raise ValueError(
            f'{found} and no words, and is none of the published tables (background, seen, unseen '
            'classes): name its columns by a classes.json beside it, {"any name": {"seen": [...], '
            '"unseen": [...]}}, or by names=..., a list or a text file with one per line'
        )
    counts = ' or '.join(str(len(candidate)) for candidate in lists)
    given = 'given' if names is not None else 'in the classes.json beside it'
    raise ValueError(
        f'{found}, but {counts} names are {given}: a column per name is wanted, or one more in '
        'front for the background'
    )
