"""Files and options that say which value or colour of a label map is which class."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmfewshot_seg.annotations.label_map_image import ValueTable
from mmfewshot_seg.datasets.sources.masks import Value, check_choice
from mmfewshot_seg.structures.labels import IGNORED

TABLE_FILES = (
    *('labelmap.txt', 'classes.txt', 'class_names.txt', 'labels.txt', 'label_colors.txt'),
    *('class_dict.csv', '_classes.csv'),
)
_BACKGROUND = ('background', 'bg')
_VOID = ('void', 'ignore', 'ignored', 'unlabeled', 'unlabelled')
_SPACED = re.compile(r'(?P<name>[^\d:=;,\t][^:=;,\t]*?)\s+(?P<value>\d{1,5}(\s+\d+\s+\d+)?)')
_SPACED_BACK = re.compile(r'(?P<value>\d{1,5}(\s+\d+\s+\d+)?)\s+(?P<name>[^\d:=;,\t][^:=;,\t]*)')


def read_value_table(path: str | Path) -> ValueTable:
    """Names with values or colours of a text file.

    A line is a name, whose value is the number of the line from 0; or a name and a value, or a name
    and a colour of three numbers or ``#rrggbb``, in any order, with ``:``, ``=``, ``,``, ``;`` or
    tabulators between, or spaces where ``background`` or ``void`` has its value so. CVAT's
    ``name:r,g,b:parts:actions`` is such a line. Another word that begins with ``#`` begins a
    comment. In a list of LabelMe that begins with ``__ignore__`` the name after that has the value
    0.

    Raises:
        ValueError: If it is no such file.
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is no text in UTF-8: {error}') from error
    return parse_value_table(text, str(path))


def parse_value_table(text: str, path: str) -> ValueTable:
    """As :func:`read_value_table`, of the content of a file; ``path`` names it in messages."""
    entries: dict[str, Value] = {}
    lines = _with_signs(list(_lines(text)))
    for number, line in enumerate(lines, start=-1 if lines[:1] == ['__ignore__'] else 0):
        name, value = _entry(path, line, number)
        if name is None:
            continue  # a header
        if name in entries:
            raise ValueError(f'{path} has the name {name!r} twice')
        entries[name] = value
    return make_value_table(entries, path)


def make_value_table(entries: Mapping[str, Value], source: str = 'class_values') -> ValueTable:
    """A table of names and values.

    Args:
        entries: Value or RGB colour of each name. Names like ``background`` and ``_background_``
            are background, ``void``, ``__ignore__`` and ``unlabelled`` are not annotated; 0 or
            black is background and 255 void, if no name has them.
        source: Names it in messages.

    Raises:
        ValueError: If there is no class, a value is none, or two names have the same.
    """
    entries = {name: tuple(v) if isinstance(v, list) else v for name, v in entries.items()}
    for name, value in entries.items():
        try:
            check_choice(None, value)
        except ValueError as error:
            raise ValueError(f'{source}: {name!r}: {error}') from error
    coloured = {isinstance(value, tuple) for value in entries.values()}
    if len(coloured) > 1:
        raise ValueError(f'{source} has values and colours; give one or the other: {dict(entries)}')
    first: dict[Value, str] = {}
    for name, value in entries.items():
        if first.setdefault(value, name) != name:
            raise ValueError(f'{source} gives {value} to {first[value]!r} and to {name!r}')
    meaning = {name: _meaning(name) for name in entries}
    classes = {n: v for n, v in entries.items() if meaning[n] not in (*_BACKGROUND, *_VOID)}
    if not classes:
        raise ValueError(f'{source} names no classes: {dict(entries)}')
    black: Value = (0, 0, 0) if True in coloured else 0
    background = tuple(v for n, v in entries.items() if meaning[n] in _BACKGROUND)
    void = tuple(v for n, v in entries.items() if meaning[n] in _VOID)
    if black not in entries.values():
        background += (black,)
    if True not in coloured and IGNORED not in entries.values():
        void += (IGNORED,)
    return ValueTable(classes, background, void, source)


def find_value_table(*folders: Path) -> ValueTable | None:
    """The first table that lies in one of the folders."""
    for folder in folders:
        for name in TABLE_FILES:
            if (folder / name).is_file():
                return read_value_table(folder / name)
    return None


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r'#([0-9a-fA-F]{6})\b', _as_numbers, text).splitlines():
        if line := re.split(r'(?:^|\s)#', line, maxsplit=1)[0].strip():
            yield line


def _as_numbers(colour: re.Match) -> str:
    """``r, g, b`` of ``#rrggbb``."""
    return ', '.join(map(str, bytes.fromhex(colour[1])))


def _with_signs(lines: list[str]) -> list[str]:
    """Lines with ``=`` between name and value if they have a space there."""
    spaced = [_SPACED.fullmatch(line) or _SPACED_BACK.fullmatch(line) for line in lines]
    if not any(match and _meaning(match['name']) in (*_BACKGROUND, *_VOID) for match in spaced):
        return lines  # a name may end in a number
    return [
        f'{match["name"]}={match["value"]}' if match else line
        for match, line in zip(spaced, lines, strict=True)
    ]


def _meaning(name: str) -> str:
    """The name as those of background and void are compared."""
    return name.strip('_').lower()


def _entry(path: str, line: str, number: int) -> tuple[str | None, Value]:
    """Name and value of a line; no name of a header."""
    parts = line.split(':')[:2] if line.count(':') >= 3 else re.split('[:=;,\t]', line)
    names, numbers = [], []
    for part in parts:
        words = re.split(r'[\s,]+', part.strip())
        if all(re.fullmatch(r'\d{1,5}', word) for word in words):
            numbers += [int(word) for word in words]
        elif part.strip():
            names.append(part.strip())
    if number == 0 and len(names) > 1 and not numbers and path.endswith('.csv'):
        return None, 0
    if len(names) != 1 or len(numbers) not in (0, 1, 3):
        raise ValueError(
            f'{path}: a line is a name, a name and a value, or a name and a colour r, g, b; got '
            f'{line!r:.80}'
        )
    if not numbers:
        return names[0], number if number >= 0 else IGNORED
    return names[0], numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])
