"""Every block and command of README and docs does what it says, on small stand-ins."""

import shutil

import pytest
from helpers.doc_blocks import blocks_of, pages
from helpers.doc_data import write_workspace
from helpers.doc_programs import NOT_RUN
from helpers.doc_reader import EXECUTORS, Reader

PAGES = {page: blocks_of(page) for page in pages()}
BLOCKS = [(page, block) for page, blocks in PAGES.items() for block in blocks]


@pytest.fixture(scope='module')
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp('workspace')
    write_workspace(folder)
    return folder


@pytest.fixture(scope='module')
def reader(request, workspace, tmp_path_factory):
    folder = tmp_path_factory.mktemp('reader') / 'checkout'
    shutil.copytree(workspace, folder, symlinks=True)
    yield Reader(folder, PAGES[request.param])
    shutil.rmtree(folder)  # checkpoints are large


@pytest.mark.slow
@pytest.mark.parametrize(
    ('reader', 'block'), BLOCKS, indirect=['reader'], ids=[str(block) for _, block in BLOCKS]
)
def test_block(reader, block) -> None:
    assert block.language in EXECUTORS, f'{block}: nothing runs {block.language}'
    reader.try_block(block)


def test_what_is_not_run_is_still_there() -> None:
    text = '\n'.join(block.text for _, block in BLOCKS)
    assert [name for name in NOT_RUN if name not in text] == []
