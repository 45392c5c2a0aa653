"""Blocks of the pages that a module names, and a reader who tries them."""

import shutil

import pytest
from helpers.doc_blocks import ROOT, blocks_of
from helpers.doc_data import write_workspace
from helpers.doc_reader import Reader
from helpers.graphs import needs_exporter


def pytest_generate_tests(metafunc) -> None:
    if 'block' in metafunc.fixturenames:
        blocks = [block for page in metafunc.module.PAGES for block in blocks_of(page)]
        marks = {'docs/export.md': needs_exporter}
        params = [pytest.param(b, marks=marks.get(b.page, ()), id=str(b)) for b in blocks]
        metafunc.parametrize('block', params)


@pytest.fixture(scope='module')
def reader_of(tmp_path_factory):
    """Gives the reader of a page; one page at a time has a folder, for checkpoints are large."""
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
