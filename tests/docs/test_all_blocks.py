"""No page and no block is left out."""

import importlib.util
from pathlib import Path

from helpers.doc_blocks import Block, blocks_of, pages
from helpers.doc_reader import EXECUTORS


def test_each_page_is_tried_by_one_module() -> None:
    tried = []
    for path in Path(__file__).parent.glob('test_blocks_*.py'):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tried += module.PAGES
    assert sorted(tried) == sorted(pages())


def test_every_language_is_run() -> None:
    assert {block.language for page in pages() for block in blocks_of(page)} <= set(EXECUTORS)


def test_blocks_are_found_wherever_they_stand(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr('helpers.doc_blocks.ROOT', tmp_path)
    page = tmp_path / 'page.md'
    page.write_text(
        '# Page\n\n* A list:\n\n  ```shell\n  cat a |\n    cat\n  ```\n\n'
        '```\na tree\n```\nOr `make\nthis`, not `make` alone or `make_this that`.\n'
        '<!-- test: A=b\nC=d -->\n```python\nx = "`pip install y`"\n```\n'
    )
    assert blocks_of(page) == [
        Block('page.md', 5, 'shell', 'cat a |\n  cat\n'),
        Block('page.md', 13, 'shell', 'make this\n'),
        Block('page.md', 15, 'needs', 'A=b C=d\n'),
        Block('page.md', 17, 'python', 'x = "`pip install y`"\n'),
    ]
