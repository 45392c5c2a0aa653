"""Our classes are found by prefix from anywhere and, once imported, by name from the host."""

import subprocess
import sys

import pytest
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import DefaultScope, init_default_scope
from torch import nn

from mmfewshot_seg.registry import MODELS, register

PREFIXED = {'type': 'mmfewshot_seg.PANetHead', 'scale': 7.0}


def test_prefix_works_under_the_hosts_scope() -> None:
    init_default_scope('mmseg')
    assert ROOT_MODELS.build(PREFIXED).scale == 7.0


def test_prefix_works_without_any_scope() -> None:
    DefaultScope._instance_dict.clear()
    assert ROOT_MODELS.build(PREFIXED).scale == 7.0
    assert MODELS.build(PREFIXED).scale == 7.0


@pytest.mark.slow
def test_prefix_alone_imports_the_package() -> None:
    """A fresh process that never imported us: MMEngine does it, seeing the prefix."""
    code = (
        f'from mmengine.registry import MODELS\nprint(type(MODELS.build({PREFIXED!r})).__module__)'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1:] == ['mmfewshot_seg.models.fewshot.panet_head'], run.stderr


def test_bare_name_works_in_the_host_after_custom_imports() -> None:
    import mmseg.registry

    import mmfewshot_seg.models  # noqa: F401  what custom_imports does

    init_default_scope('mmseg')
    head = mmseg.registry.MODELS.build({'type': 'PANetHead', 'scale': 7.0})
    assert type(head) is MODELS.get('mmfewshot_seg.PANetHead')


def test_only_the_named_host_gets_the_class() -> None:
    import mmdet.registry
    import mmseg.registry

    @register(MODELS, host='mmseg')
    class SegOnlyProbe(nn.Module):
        pass

    try:
        assert mmseg.registry.MODELS.module_dict['SegOnlyProbe'] is SegOnlyProbe
        assert MODELS.module_dict['SegOnlyProbe'] is SegOnlyProbe
        assert 'SegOnlyProbe' not in mmdet.registry.MODELS.module_dict
        assert 'SegOnlyProbe' not in ROOT_MODELS.module_dict
    finally:
        del mmseg.registry.MODELS.module_dict['SegOnlyProbe']
        del MODELS.module_dict['SegOnlyProbe']


def test_name_of_the_host_is_not_overwritten() -> None:
    import mmseg.models
    import mmseg.registry

    theirs = mmseg.models.DAHead
    try:
        with pytest.raises(KeyError, match='DAHead is already registered'):

            @register(MODELS, host='mmseg')
            class DAHead(nn.Module):
                pass

        assert mmseg.registry.MODELS.get('DAHead') is theirs
    finally:
        MODELS.module_dict.pop('DAHead', None)


def test_class_is_ours_alone_where_its_host_is_not_installed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'mmseg', None)

    @register(MODELS, host='mmseg')
    class AloneProbe(nn.Module):
        pass

    try:
        assert MODELS.get('AloneProbe') is AloneProbe
        assert 'AloneProbe' not in ROOT_MODELS.children['mmseg'].module_dict
    finally:
        del MODELS.module_dict['AloneProbe']
