"""Every block and command of README and the methods' pages does what it says, in small."""

import pytest
from helpers.doc_blocks import pages

PAGES = [page for page in pages() if page.name == 'README.md']


@pytest.mark.slow
def test_block(block, reader_of) -> None:
    reader_of(block.page).try_block(block)
