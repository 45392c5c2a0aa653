"""Images of a set that is written: copies or links, each with a name of its own."""

import shutil
from pathlib import Path


class ImageCopies:
    """Images in a folder.

    Args:
        folder: The folder, which is made.
        link: Whether to make symbolic links instead of copies.
    """

    def __init__(self, folder: Path, link: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.link = folder, link
        self._taken: set[str] = set()

    def add(self, path: str, unlike: str | None = None) -> Path:
        """File of the set that has the content of ``path``; no two have one stem.

        Args:
            path: File of the image.
            unlike: How no stem may end, in capitals or not: so do files of another kind.
        """
        source = Path(path)
        first = source.stem
        if unlike and first.lower().endswith(unlike):
            first = f'{first}_image'
        stem, number = first, 1
        while stem.lower() in self._taken:
            number += 1
            stem = f'{first}_{number}'
        self._taken.add(stem.lower())
        copy = self.folder / f'{stem}{source.suffix}'
        if self.link:
            copy.symlink_to(source.resolve())
        else:
            shutil.copyfile(source, copy)
        return copy
