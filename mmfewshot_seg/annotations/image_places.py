"""Where the images of an annotation file lie."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from mmfewshot_seg.annotations.annotated_image import some
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES


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
