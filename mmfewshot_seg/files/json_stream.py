"""Lists of a json file, entry by entry: a large file is never in memory as a whole."""

import json
import os
import re
from collections.abc import Collection, Iterator
from typing import Any, TextIO

BLOCK = 1 << 22  # characters that are read at once
_SPACE = re.compile(r'[ \t\n\r]*')


def stream_lists(path: str | os.PathLike, keys: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Entries of lists of the object that a json file holds, in the order of the file.

    Args:
        path: The file, UTF-8; a byte-order mark in front is no matter.
        keys: Names of the lists; all else is skipped.

    Yields:
        The name of the list, and the entry.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no json, holds NaN or infinity, is no object, has a name twice,
            or something else than a list under one of the names. Entries may have come before.
    """
    with open(path, encoding='utf-8-sig') as file:
        text = _Text(file)
        names: set[str] = set()
        text.skip('{')
        while text.goes_on('}', first=not names):
            name = text.value()
            if not isinstance(name, str) or name in names:
                raise ValueError(f'{path}: {name!r} is no name, or is there twice')
            names.add(name)
            text.skip(':')
            if name not in keys:
                text.value()
                continue
            text.skip('[')
            first = True
            while text.goes_on(']', first):
                yield name, text.value()
                first = False
        if text.next():
            raise ValueError(f'{path} goes on after its end')


class _Text:
    """A window that moves over the text of a file."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.text, self.place = '', 0
        self.decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode

    def next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            self.place = _SPACE.match(self.text, self.place).end()  # type: ignore[union-attr]
            if self.place < len(self.text) or not self._more():
                return self.text[self.place : self.place + 1]

    def skip(self, character: str) -> None:
        if self.next() != character:
            raise ValueError(f'there is {self.next()!r} instead of {character!r}')
        self.place += 1

    def goes_on(self, end: str, first: bool) -> bool:
        """Whether there is another member; steps over the comma before it, or over the end."""
        if self.next() == end:
            self.place += 1
            return False
        if not first:
            self.skip(',')
        return True

    def value(self) -> Any:
        """The next value."""
        self.next()
        while True:
            try:
                value, end = self.decode(self.text, self.place)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self.text) and self._more():  # a number may go on
                continue
            self.place = end
            return value

    def _more(self) -> bool:
        """Read on; by as much as is left, so that long values are decoded few times."""
        rest = self.text[self.place :]
        block = self.file.read(max(BLOCK, len(rest)))
        self.text, self.place = rest + block, 0
        return bool(block)


def _refuse_constant(name: str) -> None:
    raise ValueError(f'it holds {name}, which is no number')
