"""Where the images of an annotation file lie."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from mmfewshot_seg.annotations.annotated_image import some
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES


def image_paths(
    names: Sequence[str],
    folders: Iterable[Path],
    source: str,
    img_dir: str | Path | None = None,
    img_files: Sequence[str] | None = None,
) -> list[str]:
    """Files of the images that a file names.

    Args:
        names: See :func:`folder_of_images`.
        folders: See :func:`folder_of_images`.
        source: See :func:`folder_of_images`.
        img_dir: See :func:`folder_of_images`.
        img_files: The only files that count, found by their name without folders; '' where there
            is none.

    Raises:
        FileNotFoundError: If one is missing, or all are of ``img_files``.
        ValueError: If a file of ``img_files`` has the name of two images.
    """
    if img_files is None:
        folder = folder_of_images(names, folders, source, img_dir)
        paths = [plain(folder, name) for name in names]
        check_there(paths, source)
        return list(map(str, paths))
    found = named_alike(names, img_files)
    known = [path for path in found if path]
    if not known:
        raise FileNotFoundError(
            f'{source}: none of its images is among those given: add some, the first is called '
            f'{file_name(names[0])!r}'
        )
    if len(set(known)) < len(known):
        twice = next(path for path in known if known.count(path) > 1)
        raise ValueError(
            f'{source} names two images {file_name(twice)!r} in different folders: rename one'
        )
    return found


def named_alike(names: Iterable[str], files: Iterable[str]) -> list[str]:
    """For each name the file that is called so, whatever the folders of both; '' if there is none.

    Nothing is looked for on the disk.
    """
    by_name = {file_name(file): file for file in files}
    return [by_name.get(file_name(name), '') for name in names]


def file_name(path: str) -> str:
    """The last part of a path with slashes of any system."""
    return path.replace('\\', '/').rpartition('/')[2]


def folder_of_images(
    names: Sequence[str], folders: Iterable[Path], source: str, img_dir: str | Path | None = None
) -> Path:
    """The folder that holds most of the images that a file names.

    Args:
        names: Paths in the folder, as the file has them.
        folders: Where to look, the likeliest first.
        source: Names the file in messages.
        img_dir: The folder, if the user said it.

    Raises:
        FileNotFoundError: If no folder has any of them.
    """
    candidates = [Path(img_dir)] if img_dir is not None else list(dict.fromkeys(folders))
    sample = [names[number * len(names) // 20] for number in range(20)] if names else []
    held = {folder: sum(exists(folder, name) for name in sample) for folder in candidates}
    best = max(candidates, key=lambda folder: held[folder])
    if not held[best]:
        raise FileNotFoundError(
            f'{source}: the images are not found, the first is {names[0]!r}; looked in '
            f'{some(map(str, candidates))}. Say where they are: img_dir'
        )
    return best


def exists(folder: Path, name: str) -> bool:
    """Whether a path, with slashes of any system, is a file of a folder."""
    try:
        return plain(folder, name).is_file()
    except (OSError, ValueError):  # too long, or with a null byte
        return False


def plain(folder: Path, name: str) -> Path:
    """A path with slashes of any system within a folder."""
    return folder / PurePosixPath(name.replace('\\', '/'))


def check_there(paths: Iterable[Path], source: str) -> None:
    """Refuse files that are missing.

    Raises:
        FileNotFoundError: If some are; names the first of them and their number.
    """
    paths = list(paths)
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{source}: {len(missing)} of {len(paths)} images are missing: {some(missing, 3)}'
        )


def images_by_stem(folder: Path, deep: bool = False) -> dict[str, Path]:
    """Images of a folder by their path in it without suffix; hidden files do not count.

    Args:
        folder: The folder.
        deep: Whether folders within it are looked into.

    Raises:
        ValueError: If two have the same.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob('*') if deep else folder.iterdir()):
        if path.name.startswith('.') or path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        stem = path.relative_to(folder).with_suffix('').as_posix()
        if stem in found:
            raise ValueError(f'{folder} holds two images of the name {stem!r}')
        found[stem] = path
    return found
