"""Formats of word-vector files: how they are told apart, and how the entries of each are read."""

import codecs
import json
import mmap
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmfewshot_seg.files.whole_file import whole_file

_MOST_UNPACKED, _MOST_RATIO = 1 << 26, 20

Keep = Callable[[str], bool]
Entry = tuple[str, np.ndarray | None]
"""A word and its (D,) float32 vector, None if the word was not asked for."""


def file_format(path: str) -> str:
    """How a file is to be read, told from its content.

    Args:
        path: Any file.

    Returns:
        ``'npz'``; ``'table'``: numbers alone, separated by commas; ``'binary'``: that of word2vec;
        ``'text'``: a word and its numbers in every line, with or without word2vec's first line.

    Raises:
        ValueError: If the file is empty, compressed, or none of these.
    """
    with open(path, 'rb') as file:
        first, second = file.readline().removeprefix(codecs.BOM_UTF8), file.readline(1 << 20)
    if first.startswith(b'PK\x03\x04'):
        return 'npz'
    if first.startswith(b'\x1f\x8b'):
        raise ValueError(f'{path} is compressed: unpack it first (gunzip)')
    if b',' in first and _all_numbers(_decode(first).split(',')):
        return 'table'
    header = _header(first)
    if header and not _all_numbers(_decode(second).split()[-header[1] :]):
        return 'binary'
    if header or (
        first.strip() and _all_numbers(_decode(first).split(_separator(_decode(first)))[-1:])
    ):
        return 'text'
    raise ValueError(
        f'{path} holds no word vectors. What is read: text with a word and its numbers in every '
        "line (GloVe, word2vec, fastText's .vec), word2vec's binary files, comma-separated tables "
        'with a column per class, and .npz files with names and vectors'
    )


def text_entries(path: str, keep: Keep) -> Iterator[Entry]:
    """Entries of a text file: a word, which may have spaces, then numbers.

    Raises:
        ValueError: If a line that is kept has not as many numbers as the others.
    """
    with open(path, encoding='utf-8-sig', errors='replace', newline='\n') as file:
        first = file.readline()
        header, separator = _header(first.encode()), _separator(first)
        dim = header[1] if header else _trailing_numbers(first.split(separator))
        if not header:
            file.seek(0)
        for number, line in enumerate(file, start=2 if header else 1):
            if not line.strip():
                continue
            head = line.split(separator, 1)[0]
            if not keep(head):  # most lines of a large file: their numbers are not looked at
                yield head, None
                continue
            word, *values = line.rstrip().rsplit(separator, dim)
            if len(values) != dim or not _all_numbers(values) or _trailing_numbers(word.split()):
                raise ValueError(
                    f'{path}, line {number}: expected a word and {dim} numbers, got {line!r:.60}'
                )
            yield word, np.array(values, np.float32) if keep(word) else None


def binary_entries(path: str, keep: Keep) -> Iterator[Entry]:
    """Entries of a binary file of word2vec: words, each followed by its float32 numbers.

    Raises:
        ValueError: If the file ends too early.
    """
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        count, dim = map(int, data.readline().split())
        position = data.tell()
        for number in range(count):
            space = data.find(b' ', position)
            end = space + 1 + 4 * dim
            if space < 0 or end > len(data):
                raise ValueError(f'{path} is cut off: it ends within word {number + 1} of {count}')
            word = data[position:space].decode('utf-8', errors='replace').lstrip('\n')
            vector = np.frombuffer(data[space + 1 : end], '<f4') if keep(word) else None
            yield word, vector
            position = end


def read_table(path: str) -> np.ndarray:
    """Numbers separated by commas, one row per column of the file, (n, D) float32.

    Raises:
        ValueError: If the lines differ in length or hold something else.
    """
    try:
        return np.loadtxt(path, np.float32, delimiter=',', ndmin=2, encoding='utf-8-sig').T
    except ValueError as error:
        raise ValueError(f'{path} is no table of numbers: {error}') from error


def read_npz(path: str) -> dict[str, np.ndarray]:
    """Arrays ``names`` (n,), ``vectors`` (n, D) and, if it is there, ``background`` (D,).

    Raises:
        ValueError: If it is no such file.
    """
    try:
        _refuse_bomb(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (EOFError, MemoryError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path} cannot be read ({error}); write it by np.savez(path, names=[...], '
            'vectors=...), names as text, not as objects'
        ) from error
    if not {'names', 'vectors'} <= arrays.keys() <= {'names', 'vectors', 'background'}:
        raise ValueError(
            f'{path} must hold names and vectors, and may hold background; got {sorted(arrays)}'
        )
    return arrays


def _refuse_bomb(path: str) -> None:
    """Numbers do not compress: what unpacks to many times its size holds none, and fills memory.

    Raises:
        ValueError: If that is so.
    """
    with zipfile.ZipFile(path) as file:
        unpacked = sum(entry.file_size for entry in file.infolist())
    packed = os.path.getsize(path)
    if unpacked > _MOST_UNPACKED and unpacked > _MOST_RATIO * packed:
        raise ValueError(f'its {packed} bytes would unpack to {unpacked}')


def check_target(path: str | os.PathLike, background: bool = False) -> None:
    """Can word vectors be written to a file of this name?

    Args:
        path: File to write.
        background: Whether there is one.

    Raises:
        ValueError: If the suffix is another, or text would lose the background.
    """
    suffix = Path(path).suffix
    if suffix not in ('.npz', '.txt'):
        raise ValueError(f'{path}: word vectors are written to .npz or .txt')
    if suffix == '.txt' and background:
        raise ValueError(f'{path}: text has no place for the background; write a .npz')


def write_entries(path: str, names: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a ``.npz`` of all arrays, or text of ``vectors``, where spaces of names become ``_``.

    The file appears when all of it is written.

    Args:
        path: File to write; its folder is made.
        names: n names.
        arrays: ``vectors`` (n, D) and, for a ``.npz`` only, ``background`` (D,).

    Raises:
        ValueError: If the suffix is another, or text would lose the background.
    """
    check_target(path, 'background' in arrays)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as file:
        if target.suffix == '.npz':
            content: dict[str, Any] = {'names': np.array(names), **arrays}
            np.savez(file, **content)
        else:
            for name, row in zip(names, arrays['vectors'], strict=True):
                line = ['_'.join(name.split()), *(f'{x:.9g}' for x in row)]
                file.write(f'{" ".join(line)}\n'.encode())


def column_names(path: str, names: Sequence[str] | str | os.PathLike | None) -> list[tuple]:
    """Lists of names that the columns of a table may have, by the user's word.

    Args:
        path: The table.
        names: See `word_vectors.read_word_vectors`.
    """
    if names is None:
        names = Path(path).with_name('classes.json')
        if not names.is_file():
            return []
    if not isinstance(names, str | os.PathLike):
        return [tuple(names)]
    text = Path(names).read_text('utf-8-sig')
    if os.fspath(names).endswith('.json'):
        return [(*part['seen'], *part['unseen']) for part in json.loads(text).values()]
    return [tuple(line.strip() for line in text.splitlines() if line.strip())]


def _decode(line: bytes) -> str:
    return line.decode('utf-8', errors='replace')


def _separator(line: str) -> str | None:
    """What parts a word and its numbers, a comma or (None) white space."""
    by_comma = line.split(',')
    return ',' if len(by_comma) > 1 and _all_numbers(by_comma[1:]) else None


def _header(line: bytes) -> tuple[int, int] | None:
    """Number of words and of dimensions, word2vec's first line; None if it is something else."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        return int(fields[0]), int(fields[1])
    return None


def _trailing_numbers(fields: list[str]) -> int:
    """How many fields at the end are numbers; at least the first is a word."""
    count = 0
    while count < len(fields) - 1 and _all_numbers(fields[-count - 1 : len(fields) - count]):
        count += 1
    return count


def _all_numbers(fields: list[str]) -> bool:
    try:
        return all(isinstance(float(field), float) for field in fields)
    except ValueError:
        return False
