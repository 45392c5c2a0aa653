"""Tables of a page are made from JSON files; those of docs/benchmarks.md are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmfewshot_seg.command import UsageError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'tools/analysis_tools'
MEASURED = dict(
    machine='Toy 8', cores=2, load=0.5, device='cpu', threads=1, torch='2.5', commit='0a1b2c3'
)
MEASURED |= dict(date='2026-01-31', clock='cpu', repeats=3, amp=False, tiny=False)
IN_WORDS = (
    'Toy 8, 2 CPU cores, 1 thread, load 0.5 before, torch 2.5, float32, '
    'CPU seconds of all threads, median of 3 calls, commit 0a1b2c3, 2026-01-31'
)
TEST = '<!-- test: A=b -->\n'


@pytest.fixture
def remade(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    from benchmarks.page import remade

    return remade


@pytest.fixture
def page(tmp_path):
    """A page with two files: of cases gate, head_1 and head_5, and the first two of them before."""
    (tmp_path / 'page').mkdir()
    gate = _row('gate', 0.5, 40.0)
    heads = [_row('head_1', 1.0, 30.0, head_share=0.125), _row('head_5', 8.0, 0.0)]
    _write(tmp_path / 'page/now.json', [gate, *heads])
    _write(tmp_path / 'page/before.json', [_row('gate', 2.0, 160.0), _row('head_1', 0.8, 0.0)])
    return tmp_path / 'page.md'


def _row(case: str, seconds: float, megabytes: float, **others) -> dict:
    """With a peer that takes two seconds and 80 MB."""
    row = dict(case=case, peer='naive', time_s=seconds, peer_time_s=2.0, time_ratio=seconds / 2)
    return row | dict(peak_mb=megabytes, peer_peak_mb=80.0, peak_ratio=megabytes / 80) | others


def _write(path: Path, rows: list[dict], **measured) -> None:
    path.write_text(json.dumps(dict(measured=MEASURED | measured, rows=rows)))


def _marker(text: str, between: str = '') -> str:
    return f'<!-- {text} -->\n{between}<!-- end -->\n'


def test_the_benchmarks_in_the_documents_are_those_of_the_files(remade) -> None:
    """After a change of a file: python tools/analysis_tools/benchmark_page.py."""
    page = ROOT / 'docs/benchmarks.md'
    text = page.read_text('utf-8')
    assert remade(page) == text
    for path in (ROOT / 'docs/benchmarks').iterdir():
        assert f'[{path.name}](' in text and not json.loads(path.read_text())['measured']['tiny']


def test_tables_and_conditions(remade, page) -> None:
    parts = (
        _marker('measured: now.json', 'old\n'),
        _marker('benchmark: now.json', '| by | hand |\n'),
    )
    page.write_text('# Page\n\n' + '\n'.join(parts) + _marker('benchmark: now.json g*') + TEST)
    found = remade(page)
    assert (
        found
        == f"""# Page

<!-- measured: now.json -->

* [now.json](page/now.json): {IN_WORDS}.

<!-- end -->

<!-- benchmark: now.json -->

| case   | peer  | s   | peer s | ratio | MB | peer MB | ratio | of backbone |
|--------|-------|-----|--------|-------|----|---------|-------|-------------|
| gate   | naive | 0.5 | 2      | 0.250 | 40 | 80      | 0.500 | -           |
| head_1 | naive | 1   | 2      | 0.500 | 30 | 80      | 0.375 | 12.5%       |
| head_5 | naive | 8   | 2      | 4.000 | 0  | 80      | 0.000 | -           |

<!-- end -->
<!-- benchmark: now.json g* -->

| case | peer  | s   | peer s | ratio | MB | peer MB | ratio |
|------|-------|-----|--------|-------|----|---------|-------|
| gate | naive | 0.5 | 2      | 0.250 | 40 | 80      | 0.500 |

<!-- end -->
{TEST}"""
    )
    page.write_text(found)
    assert remade(page) == found


def test_cases_stand_in_the_order_of_the_patterns_and_once(remade, page) -> None:
    page.write_text(_marker('measured: now.json') + _marker('benchmark: now.json head_5 head_* g*'))
    rows = [line.split()[1] for line in remade(page).splitlines() if line.startswith('| ')]
    assert rows == ['case', 'head_5', 'head_1', 'gate']


def test_before_and_now(remade, page) -> None:
    told = _marker('measured: before.json now.json')
    page.write_text(told + _marker('benchmark: before.json now.json head_1 gate'))
    assert f'* [before.json](page/before.json): {IN_WORDS}.\n* [now.json]' in remade(page)
    assert """
| case   | before s | now s | ratio | before MB | now MB | ratio |
|--------|----------|-------|-------|-----------|--------|-------|
| head_1 | 0.8      | 1     | 1.250 | 0         | 30     | -     |
| gate   | 2        | 0.5   | 0.250 | 160       | 40     | 0.250 |
""" in remade(page)
    page.write_text(told + _marker('benchmark: before.json now.json head_1'))
    assert '| head_1 | 0.8      | 1     | 1.250 | 0         | 30     | -     |' in remade(page)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('benchmark: nun.json', '{page}.md:3: there is no file {page}/nun.json'),
        ('benchmark: list.json', '{page}/list.json is not a file that benchmark.py --json has'),
        ('benchmark: now.json haed_1', "{page}/now.json has no case 'haed_1' (did you mean 'head_"),
        ('benchmark: now.json x*', "{page}/now.json has no case 'x*'"),
        ('benchmark: before.json now.json', "{page}/before.json has no case 'head_5'"),
        ('benchmark: now.json before.json', "{page}/before.json has no case 'head_5'"),
        ('benchmark: wall.json now.json', "cannot be compared: clock 'wall' and 'cpu'"),
        ('benchmark: gate', 'benchmark: takes one JSON file or two, not 0'),
        ('measured: now.json gate', 'measured: takes names of JSON files alone'),
        ('benchmarks: now.json', "{page}.md:3: unknown marker 'benchmarks' (did you mean 'bench"),
        ('end -->\n<!-- test: x', '{page}.md:3: <!-- end --> closes no marker'),
        ('benchmark: now.json', '{page}.md does not tell how now.json was measured: <!-- measured'),
        ('benchmark: now.json -->\n<!-- measured: now.json', '{page}.md:3: the marker is not clos'),
        ('benchmark: now.json -->\n<!--', '{page}.md:3: the marker is not closed by <!-- end -->'),
    ],
)
def test_mistakes_are_told_in_a_line(remade, page, text, message) -> None:
    (page.parent / 'page/list.json').write_text('[]')
    _write(page.parent / 'page/wall.json', [_row('gate', 1.0, 1.0)], clock='wall')
    end = '' if text.endswith('<!--') else '-->\n<!-- end -->'
    page.write_text(f'# Page\n\n<!-- {text} {end}\n')
    with pytest.raises(UsageError) as error:
        remade(page)
    assert message.format(page=page.with_suffix('')) in str(error.value)
    assert '\n' not in str(error.value)


def test_as_a_command(page) -> None:
    text = 'Before.\n' + _marker('measured: now.json') + _marker('benchmark: now.json {}')

    def run(argument: Path) -> subprocess.CompletedProcess:
        command = [sys.executable, FOLDER / 'benchmark_page.py', argument]
        return subprocess.run(command, capture_output=True, text=True)

    page.write_text(text.format('gate'))
    assert run(page).returncode == 0 and '| gate | naive | 0.5 |' in page.read_text()
    page.write_text(text.format('gaet'))
    for argument, message in (page, "no case 'gaet'"), (page.with_name('x.md'), 'there is no file'):
        done = run(argument)
        assert done.returncode == 2 and message in done.stderr and 'Traceback' not in done.stderr
    assert page.read_text() == text.format('gaet')
