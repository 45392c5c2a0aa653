"""Rows of a benchmark as a Markdown table."""

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


def markdown_table(rows: list[dict]) -> str:
    """Aligned columns; a value that a row lacks is ``-``."""
    cells = [[title for title, _ in COLUMNS.values()]]
    for row in rows:
        values = [(row.get(key), form) for key, (_, form) in COLUMNS.items()]
        cells.append(['-' if value is None else form.format(value) for value, form in values])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        '| ' + ' | '.join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + ' |'
        for line in cells
    ]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)
