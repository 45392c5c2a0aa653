"""Which image shows how many pixels of which class, built once and kept on disk.

M pairs of image and class.
"""

import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from mmengine.dist import all_gather_object, get_rank
from mmengine.logging import print_log
from mmengine.utils import track_iter_progress

from mmfewshot_seg.datasets.sources.image_files import UnreadableImageError, image_shape
from mmfewshot_seg.files.whole_file import whole_file
from mmfewshot_seg.first_process import is_first_of_machine, while_others_wait

_FORMAT = 1  # raise it when the meaning of a stored index changes


class IndexedSource(Protocol):
    """What an index is built from, as every :class:`EpisodeSource` has it."""

    def __len__(self) -> int: ...

    def image_path(self, j: int) -> str:
        """File of image ``j``."""

    def class_areas(self, j: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Size (H, W) of the mask of image ``j``, and pixels by class id."""

    def files(self) -> Iterable[str]:
        """All files that the index depends on."""

    def options(self) -> dict:
        """All else that the index depends on, as JSON takes it."""


@dataclass(frozen=True)
class PairIndex:
    """Pairs of image and class.

    Attributes:
        pairs: (M, 3) int64 sorted rows (image, class id, pixels of the class), pixels > 0.
        unreadable: What is wrong with each image that cannot be read; these have no pairs.
    """

    pairs: np.ndarray
    unreadable: tuple[str, ...] = ()


def pair_index(source: IndexedSource, index_dir: str | None) -> PairIndex:
    """The index of a source, from ``index_dir`` if it is there and still holds.

    Of several processes the first builds it, then, where its file is not seen, the first of each
    machine; the others wait, and fail if one fails. Without ``index_dir`` each builds its own.

    Raises:
        ValueError: If the images of one machine are not those of the first.
    """
    name = type(source).__name__

    @cache
    def index() -> PairIndex:
        key = fingerprint(source.files(), {'source': name, **source.options()})
        if index_dir is None:
            return build(source)
        path = os.path.join(index_dir, f'{name}-{key}.npz')
        stored = load(path)
        if stored is None:
            stored = build(source, note=f' (once; kept in {path})')
            save(path, stored)
        return stored

    if index_dir is not None:
        while_others_wait(index, get_rank() == 0)
        while_others_wait(index, is_first_of_machine())
    while_others_wait(index, True)
    _check_same(name, index())
    return index()


def _check_same(name: str, index: PairIndex) -> None:
    """Refuse processes that would draw other episodes than the first.

    Raises:
        ValueError: If the pairs of a process differ from those of the first.
    """
    digest = hashlib.sha256(index.pairs.tobytes()).hexdigest()
    found = all_gather_object((socket.gethostname(), len(index.pairs), digest))
    host, number, expected = found[0]
    for other, count, own in found:
        if own != expected:
            raise ValueError(
                f'{name}: the images of the machine {other} ({count} pairs of image and class) are '
                f'not those of {host} ({number}): copy the data set whole to every machine'
            )


def fingerprint(files: Iterable[str], options: Mapping) -> str:
    """16 hex digits that change with the options and with name, size and time of any file.

    Raises:
        FileNotFoundError: If files are missing; names some of them.
    """
    digest = hashlib.sha256(json.dumps([_FORMAT, options], sort_keys=True).encode())
    missing = []
    for path in files:
        try:
            stat = os.stat(path)
        except FileNotFoundError:
            missing.append(path)
            continue
        digest.update(f'{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n'.encode())
    if missing:
        raise FileNotFoundError(f'{len(missing)} files are missing: {_some(missing)}')
    return digest.hexdigest()[:16]


def build(source: IndexedSource, note: str = '') -> PairIndex:
    """Reads every image and mask.

    Raises:
        ValueError: If the size of an image is not that of its mask, or what the source refuses.
    """

    def examine(j: int) -> Mapping[int, int] | str:
        path = source.image_path(j)
        try:
            shape = image_shape(path)
            mask_shape, areas = source.class_areas(j)
        except UnreadableImageError as error:
            return str(error)
        if shape != mask_shape:
            raise ValueError(
                f'{path} is {_size(shape)} pixels (EXIF orientation applied), its mask '
                f'{_size(mask_shape)}: image and mask must have the same size'
            )
        return areas

    number = len(source)
    print_log(f'{type(source).__name__}: reading {number} images and masks{note}', 'current')
    chunks = np.array_split(np.arange(number), min(number, 100))
    rows, unreadable = [], []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        if get_rank() == 0:
            chunks = track_iter_progress(chunks, file=sys.stdout)
        for chunk in chunks:
            for j, result in zip(chunk.tolist(), pool.map(examine, chunk.tolist()), strict=True):
                if isinstance(result, str):
                    unreadable.append(result)
                else:
                    rows += [(j, c, area) for c, area in sorted(result.items()) if area]
    return PairIndex(np.array(rows, dtype=np.int64).reshape(-1, 3), tuple(unreadable))


def load(path: str) -> PairIndex | None:
    """A stored index; None if there is none or the file is broken."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path) as stored:
            return PairIndex(stored['pairs'], tuple(stored['unreadable'].tolist()))
    except Exception as error:  # zipfile, zlib, NumPy and the file system: the index is made anew
        print_log(f'{path} is broken ({error}) and is built again', 'current')
        return None


def save(path: str, index: PairIndex) -> None:
    """Writes the file whole or not at all; several processes may do so at once."""
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with whole_file(path) as file:
        np.savez(file, pairs=index.pairs, unreadable=np.array(index.unreadable, dtype=np.str_))


def check_unreadable(index: PairIndex, skip: bool) -> None:
    """Raises or, with ``skip``, logs that images cannot be read.

    Raises:
        ValueError: If there are such images and they are not to be skipped.
    """
    if not index.unreadable:
        return
    message = f'{len(index.unreadable)} images cannot be read: {_some(index.unreadable)}'
    if not skip:
        raise ValueError(f'{message}. Repair them, or leave them out by skip_unreadable=True')
    print_log(f'Left out: {message}', 'current')


def log_empty(index: PairIndex, source: IndexedSource) -> None:
    """Logs how many readable images show no class; no episode draws them."""
    number = len(source) - len(index.unreadable) - len(np.unique(index.pairs[:, 0]))
    if number:
        print_log(
            f'{type(source).__name__}: {number} of {len(source)} images show no class and are '
            'not drawn',
            'current',
        )


def _some(items: Iterable[str], most: int = 10) -> str:
    items = list(items)
    more = f' and {len(items) - most} more' if len(items) > most else ''
    return '; '.join(items[:most]) + more


def _size(shape: tuple[int, int]) -> str:
    return f'{shape[1]}x{shape[0]}'
