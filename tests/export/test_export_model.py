"""``tools/export.py``: what it writes, and what it refuses before anything is written."""

import importlib
import json
import sys

import pytest
import torch
from helpers.fewshot_models import fewshot_config
from helpers.graphs import needs_exporter
from helpers.tool_calls import call_tool
from mmengine.registry import MODELS, init_default_scope

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
from mmfewshot_seg.export import fewshot_graphs  # noqa: E402
from mmfewshot_seg.version import __version__  # noqa: E402


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """``tiny.py`` and ``tiny.pth`` in the current folder."""
    monkeypatch.chdir(tmp_path)
    cfg = fewshot_config()
    cfg.default_scope = 'mmseg'
    cfg.dump('tiny.py')
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    meta = dict(dataset_meta=dict(classes=('cat', 'dog')))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), 'tiny.pth')
    return tmp_path


@needs_exporter
@pytest.mark.slow
def test_tool_writes_graphs_with_meta_data(tiny, capsys) -> None:
    assert call_tool('export', 'tiny.py', 'tiny.pth', 'out/exported') == 0
    out = capsys.readouterr().out
    assert 'out/exported/support.onnx: images' in out and 'out/exported/query.onnx: images' in out
    assert sorted(path.name for path in (tiny / 'out/exported').iterdir()) == [
        'query.onnx',
        'support.onnx',
    ]
    model = onnx.load('out/exported/query.onnx')
    onnx.checker.check_model(model)
    meta = {each.key: json.loads(each.value) for each in model.metadata_props}
    assert meta['mmfewshot_seg_version'] == __version__ and meta['model'] == 'tiny'
    assert meta['classes'] == ['cat', 'dog'] and meta['kind'] == 'few-shot query'
    assert meta['steps'] == [dict(type='resize', scale=[64, 64], keep_ratio=False)]
    assert meta['std'] == [60.0] * 3 and meta['align_corners'] is False

    assert call_tool('export', 'tiny.py', 'tiny.pth', 'out/exported') == 2
    assert 'out/exported exists and is not an empty folder' in capsys.readouterr().err


@needs_exporter
def test_nothing_is_left_of_a_graph_that_differs(tiny, monkeypatch, capsys) -> None:
    def differ(*args):
        (args[2] / 'support.onnx').write_text('half')
        raise ValueError('logits of the graph differs from PyTorch by 1, more than 0.001')

    monkeypatch.setattr(fewshot_graphs, 'export_fewshot', differ)
    assert call_tool('export', 'tiny.py', 'tiny.pth', 'exported') != 0
    assert 'differs from PyTorch by 1' in capsys.readouterr().err
    assert sorted(path.name for path in tiny.iterdir()) == ['tiny.pth', 'tiny.py']


@needs_exporter
@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['tiny.py', 'nowhere.pth', 'out'], 'checkpoint nowhere.pth does not exist'),
        (['panet_r18', 'tiny.pth', 'out'], 'panet_r18 is neither a config file nor the name'),
        (['tiny.py', 'pretrained', 'out'], 'come from training alone'),
        (['tiny.py', 'tiny.pth', 'tiny.pth'], 'tiny.pth exists and is not an empty folder'),
        (['tiny.py', 'tiny.pth', 'out', '--size', '0', '9'], '--size takes two positive numbers'),
        (
            ['tiny.py', 'tiny.pth', 'out', '--cfg-options', 'model.backbone.depth=34'],
            'tiny.pth does not fit the model',
        ),
    ],
)
def test_mistakes_are_told_in_a_line(tiny, arguments, message, capsys) -> None:
    assert call_tool('export', *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tiny / 'out').exists()


@needs_exporter
def test_other_networks_are_refused(tiny) -> None:
    from mmfewshot_seg.export.export_model import _exporter

    with pytest.raises(ValueError, match='Linear cannot be exported; there are FewShotSegmentor'):
        _exporter(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(
    ('package', 'missing', 'cure'),
    [
        (
            'export',
            'onnxscript',
            r"export needs onnxscript. .*pip install 'mmfewshot_seg\[export\]'",
        ),
        ('runtime', 'onnxruntime', 'runtime needs ONNX Runtime. .*pip install onnxruntime'),
    ],
)
def test_what_is_not_installed_is_told(monkeypatch, package, missing, cure) -> None:
    module = importlib.import_module(f'mmfewshot_seg.{package}')
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=cure):
        importlib.reload(module)
