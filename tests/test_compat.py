"""Version rules: refuse what is too old or missing, warn once above what was tried."""

import logging
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmfewshot_seg import compat

REQUIREMENTS = Path(__file__).parents[1] / 'requirements'


def pins(name: str) -> set[str]:
    lines = (REQUIREMENTS / f'{name}.txt').read_text().splitlines()
    return {line.partition(';')[0] for line in lines if line and not line.startswith('#')}


@pytest.fixture
def mmcv_version(monkeypatch):
    """Callable that makes the module mmcv claim a version."""

    def pretend(version: str) -> None:
        monkeypatch.setitem(sys.modules, 'mmcv', SimpleNamespace(__version__=version))

    compat._check_version.cache_clear()
    monkeypatch.setattr(compat, 'host_stack', lambda: 'onedl')
    yield pretend
    compat._check_version.cache_clear()


def test_installed_stack_is_supported() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        compat.check_versions(*compat.SUPPORTED)


def test_too_old_is_refused_with_the_pip_line(mmcv_version) -> None:
    mmcv_version('2.0.1')
    with pytest.raises(ImportError, match=r'mmcv >= 2\.1, found 2\.0\.1.*onedl-mmcv==2\.3\.6'):
        compat.check_versions('mmcv')


def test_missing_is_refused_with_the_pip_line(mmcv_version, monkeypatch) -> None:
    def missing(name: str):
        raise ModuleNotFoundError(f'No module named {name!r}', name=name)

    monkeypatch.setattr(compat, 'import_module', missing)
    with pytest.raises(ImportError, match=r'mmcv, which is not installed.*onedl-mmcv==2\.3\.6'):
        compat.check_versions('mmcv')


def test_host_that_refuses_another_module_is_told(mmcv_version, monkeypatch) -> None:
    def refuse(name: str):
        raise AssertionError('MMCV==2.3.6 is used but incompatible')

    monkeypatch.setattr(compat, 'import_module', refuse)
    with pytest.raises(ImportError, match=r'mmdet, which refuses .*MMCV==2\.3\.6[\s\S]*check_env'):
        compat.check_versions('mmdet')
    assert not compat.is_usable('mmdet')


def test_newer_than_tried_warns_once_and_goes_on(mmcv_version) -> None:
    mmcv_version('2.4.0')
    with pytest.warns(UserWarning, match=r'mmcv 2\.4\.0 is newer .*up to 2\.3'):
        compat.check_versions('mmcv')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        compat.check_versions('mmcv')


@pytest.mark.parametrize(
    ('module', 'version', 'too_old', 'untested'),
    [
        ('torch', '2.11.0+cu130', False, False),
        ('torch', '2.13.1', False, False),  # a patch of a tried line
        ('torch', '2.14.0', False, True),
        ('torch', '1.13.1', True, False),
        ('mmseg', '1.2.1', True, False),
        ('mmseg', '1.2.2', False, False),
        ('mmengine', '0.10.12', False, False),
    ],
)
def test_ranges(module: str, version: str, too_old: bool, untested: bool) -> None:
    assert compat.is_too_old(module, version) == too_old
    assert compat.is_untested(module, version) == untested


@pytest.mark.parametrize(
    ('installed', 'stack'),
    [
        ({'onedl-mmengine'}, 'onedl'),
        ({'mmengine'}, 'openmmlab'),
        ({'mmengine', 'onedl-mmengine'}, 'onedl'),
        (set(), 'onedl'),
    ],
)
def test_stack_is_told_by_distribution(monkeypatch, installed: set, stack: str) -> None:
    monkeypatch.setattr(compat, 'is_installed', installed.__contains__)
    assert compat.host_stack() == stack


def test_missing_ops_are_refused_with_the_commands(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    monkeypatch.setattr(compat, 'host_stack', lambda: 'onedl')
    with pytest.raises(ImportError) as error:
        compat.require_ops('RefineMask')
    message = str(error.value)
    assert message.startswith("RefineMask needs mmcv's compiled ops")
    assert 'make ops' in message
    assert 'pip cache remove onedl_mmcv' in message
    assert '--no-build-isolation --no-deps --force-reinstall onedl-mmcv==2.3.6' in message


def test_present_ops_are_accepted(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'mmcv._ext', SimpleNamespace())
    compat.require_ops('RefineMask')


def test_cures_name_the_pinned_versions() -> None:
    for module, support in compat.SUPPORTED.items():
        assert support.onedl in pins('constraints')
        assert support.openmmlab in pins('constraints-openmmlab')
        if module != 'torch':
            assert support.onedl in pins('onedl')
            assert support.openmmlab in pins('openmmlab')


def test_debug_messages_without_a_logger_are_not_printed(capsys) -> None:
    compat.hide_debug_prints()
    from mmengine.logging import print_log

    print_log('detail', level=logging.DEBUG)
    print_log('news')
    assert capsys.readouterr().out == 'news\n'
