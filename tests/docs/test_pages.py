"""Every block and command of README and docs does what it says, on small stand-ins."""

import shutil

import pytest
from helpers.doc_blocks import ROOT, blocks_of, pages
from helpers.doc_data import write_workspace
from helpers.doc_programs import NOT_RUN
from helpers.doc_reader import EXECUTORS, Reader

BLOCKS = [block for page in pages() for block in blocks_of(page)]


@pytest.fixture(scope='module')
def reader_of(tmp_path_factory):
    """Gives the reader of a page; only one page at a time has a folder, for checkpoints are large."""
    workspace = tmp_path_factory.mktemp('workspace')
    write_workspace(workspace)
    readers, folder = {}, tmp_path_factory.mktemp('reader') / 'checkout'

    def of(page: str) -> Reader:
        if page not in readers:
            readers.clear()
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(workspace, folder, symlinks=True)
            readers[page] = Reader(folder, blocks_of(ROOT / page))
        return readers[page]

    yield of
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize('block', BLOCKS, ids=str)
def test_block(block, reader_of) -> None:
    assert block.language in EXECUTORS, f'{block}: nothing runs {block.language}'
    reader_of(block.page).try_block(block)


def test_what_is_not_run_is_still_there() -> None:
    text = '\n'.join(block.text for block in BLOCKS)
    assert [name for name in NOT_RUN if name not in text] == []
