"""A tree of the files that a data set needs, and which of them are missing."""

from collections.abc import Collection
from pathlib import Path


class DataTree:
    """Collects what is there.

    Args:
        origin: Where missing files are to be had.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.lines: list[str] = []
        self.missing = 0

    def add_file(self, path: Path) -> bool:
        """Note a single file; is it there?"""
        return self._note(path.is_file(), str(path))

    def add_files(self, folder: Path, suffix: str, names: Collection[str]) -> bool:
        """Note ``<name><suffix>`` of each name in a folder; are all of them there?

        Without names, since the lists of them are missing, the folder alone has to be there.
        """
        what = f'{folder}/<name>{suffix}'
        if not folder.is_dir():
            return self._note(False, what)
        there = {path.name for path in folder.iterdir()}
        gone = sorted(name for name in names if name + suffix not in there)
        if not gone:
            return self._note(True, f'{what}, {len(names)} of {len(names)}')
        return self._note(
            False, f'{what}, {len(names) - len(gone)} of {len(names)}; no {gone[0]}{suffix}'
        )

    def check(self) -> None:
        """Refuse a tree that is not complete.

        Raises:
            FileNotFoundError: With the tree.
        """
        if self.missing:
            number = 'one part is' if self.missing == 1 else f'{self.missing} parts are'
            tree = '\n'.join(self.lines)
            raise FileNotFoundError(f'{number} missing. {self.origin}\n{tree}')

    def _note(self, is_there: bool, what: str) -> bool:
        self.missing += not is_there
        self.lines.append(f'  {"ok     " if is_there else "MISSING"} {what}')
        return is_there
