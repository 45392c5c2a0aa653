"""Files and folders that appear under their name when all of them is written, or not at all.

What is being written has a name of its own, `.mmfewshot_seg-<32 hex digits>.part`, in the folder
of its target, so any number of processes may write the same target. Whoever writes holds a lock
on its part; the system drops it when the process ends, however it ends. So a part without a lock
was left by a killed process, and the next process that writes into the folder removes it. Where
the system or the file system has no such locks, nothing is removed and left-overs do no harm.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module, or nothing

_PART = re.compile(r'\.mmfewshot_seg-[0-9a-f]{32}\.part')
Descriptor = TypeVar('Descriptor', int, int | None)


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file to write into; it replaces ``path`` when the block ends without an error.

    The file has the permissions of the one that it replaces, else those of any new file. A
    symbolic link is replaced, not followed.

    Args:
        path: File to write; its folder exists.

    Raises:
        FileNotFoundError: If the folder of ``path`` does not exist.
        OSError: If ``path`` is a folder or a device, or cannot be written; names ``path``.

    Examples:
        >>> with whole_file('note.txt') as file:
        ...     number_of_bytes = file.write(b'all of it')
        >>> Path('note.txt').read_bytes()
        b'all of it'
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(f'{path} cannot be written: it is there and is not a regular file')
    with _naming(path):
        part, descriptor = _open_part(path, _create_file)
    try:
        with _naming(path), open(descriptor, 'wb') as file:
            yield file
            file.flush()
            if path.is_file() and not path.is_symlink():
                os.chmod(part, path.stat().st_mode & 0o777)
            os.fsync(descriptor)
            if fcntl:  # while the lock is held, so that nobody takes the part for a left-over
                os.replace(part, path)
        if not fcntl:  # Windows renames no open file
            with _naming(path):
                os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Give a file this content, text as UTF-8; see :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to fill; it gets the name ``path`` when the block ends without an error.

    Args:
        path: Folder to make, which does not exist or is empty; its parents are made.

    Raises:
        OSError: If ``path`` cannot be made, or something has appeared there meanwhile.
    """
    path = Path(os.path.abspath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _naming(path):
        part, descriptor = _open_part(path, _create_folder)
    try:
        yield part
        with _naming(path):
            if not fcntl and path.is_dir():
                path.rmdir()  # Windows renames onto nothing that exists
            os.rename(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _open_part(path: Path, create: Callable[[Path], Descriptor]) -> tuple[Path, Descriptor]:
    """A new, locked part beside ``path``, and its descriptor."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f'{path} cannot be written: {path.parent} is no folder')
    _remove_left_overs(folder)
    while True:
        part = folder / f'.mmfewshot_seg-{uuid4().hex}.part'
        try:
            descriptor = create(part)
        except FileNotFoundError:
            if folder.is_dir():  # taken for a left-over before it was opened
                continue
            raise
        if descriptor is None or _is_locked_by_us(descriptor, part):
            return part, descriptor
        os.close(descriptor)


def _create_file(part: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, 'O_BINARY', 0)
    return os.open(part, flags, 0o666)


def _create_folder(part: Path) -> int | None:
    part.mkdir()
    return os.open(part, os.O_RDONLY) if fcntl else None


def _is_locked_by_us(descriptor: int, part: Path) -> bool:
    """Lock a new part; False if it was taken for a left-over before it was locked."""
    if not fcntl:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody can remove the part either
        return True
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(part))
    except FileNotFoundError:
        return False


@cache  # once for a folder: left-overs of this process do not exist
def _remove_left_overs(folder: Path) -> None:
    if not fcntl:
        return
    with suppress(OSError):
        for part in [
            Path(entry.path) for entry in os.scandir(folder) if _PART.fullmatch(entry.name)
        ]:
            with suppress(OSError):  # somebody else's, or no longer there
                _remove_left_over(part)


def _remove_left_over(part: Path) -> None:
    is_folder = part.is_dir() and not part.is_symlink()
    access = os.O_RDONLY | os.O_DIRECTORY if is_folder else os.O_RDWR | os.O_NONBLOCK
    descriptor = os.open(part, access | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(part)
        else:
            part.unlink()
    finally:
        os.close(descriptor)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the file system about a part, or about no file by name, tell of ``path``."""
    try:
        yield
    except OSError as error:
        of_ours = error.filename is None or _PART.fullmatch(Path(os.fsdecode(error.filename)).name)
        if error.errno is None or not of_ours:
            raise
        raise OSError(error.errno, f'{path} cannot be written ({error.strerror})') from error
