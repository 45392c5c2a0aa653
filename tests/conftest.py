"""Shared by all tests: nothing global leaks into the next; GPU tests need a GPU."""

import gc

import pytest


@pytest.fixture(autouse=True, scope='module')
def _no_default_scope():
    """What fixtures of a module or session set stays within the module."""
    from mmengine.registry import DefaultScope

    DefaultScope._instance_dict.clear()
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(autouse=True)
def _restore_default_scope(_no_default_scope):
    from mmengine.registry import DefaultScope

    before = dict(DefaultScope._instance_dict)
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture(autouse=True)
def _restore_loggers():
    """A logger of a test writes to that test's captured stream, which is closed after it."""
    from mmengine.logging import MMLogger

    before = dict(MMLogger._instance_dict)
    yield
    MMLogger._instance_dict.clear()
    MMLogger._instance_dict.update(before)


@pytest.fixture(autouse=True)
def _no_folder_of_tracebacks(monkeypatch):
    """A tool that is called within a test's process leaves its work dir to no other."""
    monkeypatch.setattr('mmfewshot_seg.command._Tracebacks.folder', None)


@pytest.fixture(autouse=True)
def _collected_again():
    """A tool that is called within a test's process takes what there is from the collector."""
    yield
    gc.unfreeze()


def pytest_collection_modifyitems(items) -> None:
    marked = [item for item in items if item.get_closest_marker('gpu')]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason='no CUDA device'))
