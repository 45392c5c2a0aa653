"""Rows of a benchmark as a Markdown table, and in words how they were measured."""

from collections.abc import Callable

COLUMNS = {
    'case': ('case', '{}'),
    'peer': ('peer', '{}'),
    'time_s': ('s', '{:.3g}'),
    'peer_time_s': ('peer s', '{:.3g}'),
    'time_ratio': ('ratio', '{:.3f}'),
    'peak_mb': ('MB', '{:.0f}'),
    'peer_peak_mb': ('peer MB', '{:.0f}'),
    'peak_ratio': ('ratio', '{:.3f}'),
    'backbone_time_s': ('backbone s', '{:.3g}'),
    'head_share': ('of backbone', '{:.1%}'),
    'amp_difference': ('bf16 differs', '{:.1e}'),
}

BEFORE_AND_NOW = {
    'case': ('case', '{}'),
    'before_s': ('before s', '{:.3g}'),
    'time_s': ('now s', '{:.3g}'),
    'now_time_ratio': ('ratio', '{:.3f}'),
    'before_mb': ('before MB', '{:.0f}'),
    'peak_mb': ('now MB', '{:.0f}'),
    'now_peak_ratio': ('ratio', '{:.3f}'),
}


def markdown_table(rows: list[dict], columns: dict[str, tuple[str, str]] = COLUMNS) -> str:
    """Aligned columns, those whose key a row has; a value that a row lacks or None is ``-``.

    Args:
        rows: Values by key.
        columns: Title and format of each key.
    """
    columns = {key: column for key, column in columns.items() if any(key in row for row in rows)}
    cells = [[title for title, _ in columns.values()]]
    for row in rows:
        values = [(row.get(key), form) for key, (_, form) in columns.items()]
        cells.append(['-' if value is None else form.format(value) for value, form in values])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in cells
    ]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)


def before_and_now(before: list[dict], now: list[dict]) -> str:
    """Table of ours in two measurements of the same cases in the same order; now / before."""
    rows = []
    for old, new in zip(before, now, strict=True):
        row = dict(new, before_s=old['time_s'], before_mb=old['peak_mb'])
        row['now_time_ratio'] = new['time_s'] / old['time_s']
        row['now_peak_ratio'] = new['peak_mb'] / old['peak_mb'] if old['peak_mb'] else None
        rows.append(row)
    return markdown_table(rows, BEFORE_AND_NOW)


def _counted(noun: str) -> Callable[[int], str]:
    return lambda number: f'{number} {noun}{"" if number == 1 else "s"}'


IN_WORDS: dict[str, Callable] = {
    'machine': str,
    'cores': _counted('CPU core'),
    'threads': _counted('thread'),
    'load': 'load {:g} before'.format,
    'torch': 'torch {}'.format,
    'tiny': {False: None, True: 'tiny inputs'}.get,
    'amp': {False: 'float32', True: 'bfloat16 where autocast computes in it'}.get,
    'clock': {'wall': 'wall seconds', 'cpu': 'CPU seconds of all threads'}.get,
    'repeats': lambda number: f'median of {_counted("call")(number)}',
    'commit': 'commit {}'.format,
    'date': str,
}


def how_measured(measured: dict) -> str:
    """The conditions of a measurement in words; what is not known (None) is left out."""
    known = {key: value for key, value in measured.items() if value is not None}
    words = [tell(known[key]) for key, tell in IN_WORDS.items() if key in known]
    return ', '.join(filter(None, words))
