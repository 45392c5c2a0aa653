"""Tables of a page, made from the JSON files that ``benchmark.py`` has written.

The files of ``docs/benchmarks.md`` lie in ``docs/benchmarks/``. What stands between one of these
markers, which readers do not see, and ``<!-- end -->`` is made::

    <!-- measured: cpu.json -->                      how the rows of files were measured
    <!-- benchmark: cpu.json panet_* gated_conv -->  rows of a file; all of them without a pattern
    <!-- benchmark: before.json now.json -->         the same rows of two files side by side
"""

import json
import re
from collections.abc import Callable
from fnmatch import filter as matching
from pathlib import Path
from typing import NamedTuple

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.did_you_mean import did_you_mean

from .table import before_and_now, how_measured, markdown_table

MARKER = re.compile(r'<!--\s*(?P<kind>\w+)\s*:(?P<words>.*)-->')
END = '<!-- end -->'
OF_TESTS = 'test'
COMPARABLE = ('machine', 'device', 'threads', 'clock', 'tiny')


class Measurement(NamedTuple):
    """A JSON file that ``benchmark.py`` has written.

    Attributes:
        path: The file.
        measured: The conditions.
        rows: A row by the name of its case.
    """

    path: Path
    measured: dict
    rows: dict[str, dict]

    @classmethod
    def read(cls, path: Path) -> 'Measurement':
        """Read a file.

        Raises:
            UsageError: If it is not there, or not of ``benchmark.py --json``.
        """
        if not path.is_file():
            raise UsageError(f'there is no file {path}')
        try:
            content = json.loads(path.read_text('utf-8'))
            return cls(path, content['measured'], {row['case']: row for row in content['rows']})
        except (ValueError, LookupError, TypeError):
            raise UsageError(f'{path} is not a file that benchmark.py --json has written') from None

    def select(self, patterns: list[str]) -> list[str]:
        """Names of the cases that match one of ``patterns``; all cases if there is none.

        Raises:
            UsageError: If a pattern matches no case.
        """
        names: list[str] = []
        for pattern in patterns or ['*']:
            found = matching(self.rows, pattern)
            if not found:
                hint = did_you_mean(pattern, self.rows)
                raise UsageError(f'{self.path} has no case {pattern!r}{hint}')
            names += found
        return list(dict.fromkeys(names))


def remade(page: Path) -> str:
    """Text of a page, with everything between its markers made from the JSON files.

    Raises:
        UsageError: If a marker is unknown or not closed, a file or a case is missing, two files
            cannot be compared, or the page does not tell how a file was measured.
    """
    lines: list[str] = []
    named: dict[str, set[str]] = {kind: set() for kind in MAKERS}
    opened = None
    for number, line in enumerate(page.read_text('utf-8').splitlines(), start=1):
        place, marker = f'{page}:{number}', MARKER.fullmatch(line.strip())
        if line.strip() == END:
            if opened is None:
                raise UsageError(f'{place}: {END} closes no marker')
            opened = None
        if marker and marker['kind'] != OF_TESTS:
            if opened is not None:
                break
            opened, kind, words = place, marker['kind'], marker['words'].split()
            try:
                lines += [line, '', _made(page.with_suffix(''), kind, words), '']
            except UsageError as error:
                raise UsageError(f'{place}: {error}') from None
            named[kind].update(word for word in words if word.endswith('.json'))
        elif opened is None:
            lines.append(line)
    if opened is not None:
        raise UsageError(f'{opened}: the marker is not closed by {END}')
    if untold := named['benchmark'] - named['measured']:
        name = min(untold)
        raise UsageError(f'{page} does not tell how {name} was measured: <!-- measured: {name} -->')
    return '\n'.join(lines) + '\n'


def _made(folder: Path, kind: str, words: list[str]) -> str:
    """What a marker stands for; its words are names of files and what else its maker takes."""
    if kind not in MAKERS:
        hint = did_you_mean(kind, MAKERS)
        raise UsageError(f'unknown marker {kind!r}{hint}; there are {" and ".join(MAKERS)}')
    files = [Measurement.read(folder / word) for word in words if word.endswith('.json')]
    return MAKERS[kind](files, [word for word in words if not word.endswith('.json')])


def _measured(files: list[Measurement], others: list[str]) -> str:
    """A list of files, with the conditions of each."""
    if not files or others:
        raise UsageError('measured: takes names of JSON files alone')
    return '\n'.join(
        f'* [{file.path.name}]({file.path.parent.name}/{file.path.name}): '
        f'{how_measured(file.measured)}.'
        for file in files
    )


def _benchmark(files: list[Measurement], patterns: list[str]) -> str:
    """A table of one file, or of two side by side."""
    if len(files) == 1:
        return markdown_table([files[0].rows[name] for name in files[0].select(patterns)])
    if len(files) != 2:
        raise UsageError(f'benchmark: takes one JSON file or two, not {len(files)}')
    before, now = files
    for key in COMPARABLE:
        old, new = before.measured.get(key), now.measured.get(key)
        if old != new:
            names = f'{before.path.name} and {now.path.name}'
            raise UsageError(f'{names} cannot be compared: {key} {old!r} and {new!r}')
    now.select(before.select(patterns))  # none is left out on either side
    cases = before.select(now.select(patterns))
    return before_and_now(*([file.rows[case] for case in cases] for file in files))


MAKERS: dict[str, Callable[[list[Measurement], list[str]], str]] = {
    'measured': _measured,
    'benchmark': _benchmark,
}
