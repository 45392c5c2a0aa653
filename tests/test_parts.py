"""Parts stand alone; who asks for one that cannot be imported is told what to install."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from helpers.tool_calls import needs_ops
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS

import mmfewshot_seg.datasets
import mmfewshot_seg.models
from mmfewshot_seg import parts
from mmfewshot_seg.compat import hosts_need_ops, requirement
from mmfewshot_seg.registry import METRICS, MODELS, TASK_UTILS

TESTS = Path(__file__).parent
ROOT = TESTS.parent / parts.PACKAGE
ROOMS = ('models', 'datasets', 'evaluation', 'visualization', 'engine', 'apis')

without_ops = pytest.mark.skipif(hosts_need_ops(), reason="OpenMMLab's hosts need mmcv's ops")


def needs(path: Path) -> Iterator[str]:
    """Hosts and ops that a file imports before anything in it is called."""
    for node in ast.parse(path.read_text('utf-8')).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, 'module', None) or node.names[0].name
            if module.startswith('mmcv.ops'):
                yield 'ops'
            elif module.partition('.')[0] in ('mmseg', 'mmdet', 'timm'):
                yield module.partition('.')[0]


def test_table_has_what_each_module_imports() -> None:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob('*.py')):
            module = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
            part = next((p for p in parts.NEEDS if f'{module}.'.startswith(f'{p}.')), None)
            assert set(needs(path)) <= set(parts.NEEDS.get(part, ())), module


def test_table_names_modules_that_exist() -> None:
    for part in parts.NEEDS:
        path = ROOT / part.replace('.', '/')
        assert path.is_dir() or path.with_suffix('.py').exists(), part


@pytest.fixture
def failed(monkeypatch):
    """The wings of detection and a metric, as if they could not be imported."""
    monkeypatch.setattr(parts, '_errors', {})
    for part in ('models.refinemask', 'models.zeroshot', 'evaluation.lvis_metric'):
        parts._errors[part] = ImportError(f'the cure of {part}')


@pytest.mark.parametrize(
    ('registry', 'root', 'name', 'part'),
    [
        (MODELS, ROOT_MODELS, 'RefineRoIHead', 'models.refinemask'),
        (MODELS, ROOT_MODELS, 'ZeroShotMaskRCNN', 'models.zeroshot'),
        (METRICS, ROOT_METRICS, 'LVISv1Metric', 'evaluation.lvis_metric'),
        (TASK_UTILS, TASK_UTILS.root, 'V1AnchorGenerator', 'models.zeroshot'),
    ],
)
def test_config_with_a_class_of_a_failed_part_is_told_why(failed, registry, root, name, part):
    for place in (registry, root):
        with pytest.raises(ImportError, match=f'^{name} cannot be imported: the cure of {part}$'):
            place.build(dict(type=f'{parts.PACKAGE}.{name}'))


def test_other_names_are_as_before(failed) -> None:
    assert MODELS.build(dict(type='mmfewshot_seg.PANetHead', scale=7.0)).scale == 7.0
    with pytest.raises(KeyError, match='RefineRoiHead is not in the mmfewshot_seg::model registry'):
        MODELS.build(dict(type='RefineRoiHead'))
    with pytest.raises(AttributeError, match="'mmfewshot_seg.models' has no attribute 'Nothing'"):
        mmfewshot_seg.models.Nothing  # noqa: B018


def test_fault_of_the_package_itself_is_raised_at_once(monkeypatch) -> None:
    def broken(name: str):
        raise ImportError(f'cannot import name X from {name}', name=name)

    monkeypatch.setattr(parts, 'import_module', broken)
    with pytest.raises(ImportError, match='cannot import name X from mmfewshot_seg.models.semseg'):
        parts.stands('models.semseg')


def test_what_a_host_lacks_itself_is_told_too(monkeypatch) -> None:
    def lacking(name: str):
        raise ModuleNotFoundError("No module named 'ftfy'", name='ftfy')

    monkeypatch.setattr(parts, 'import_module', lacking)
    monkeypatch.setattr(parts, '_errors', {})
    assert not parts.stands('models.semseg')
    with pytest.raises(ImportError, match="DualAttentionHead cannot be imported: .*'ftfy'"):
        MODELS.get('DualAttentionHead')


ON_DEMAND = """
import sys
import mmdet.registry
from mmfewshot_seg import datasets, evaluation, visualization
from mmfewshot_seg.registry import METRICS

left = [part for part in {parts} if f'mmfewshot_seg.{{part}}' in sys.modules]
print(left)
assert METRICS.root.get('mmfewshot_seg.LVISv1Metric') is evaluation.LVISv1Metric
assert mmdet.registry.METRICS.get('LVISv1Metric') is evaluation.LVISv1Metric
assert 'mmfewshot_seg.datasets.zeroshot_coco' not in sys.modules
from mmfewshot_seg.datasets import ZeroShotCocoDataset, zeroshot_coco
assert zeroshot_coco.ZeroShotCocoDataset is ZeroShotCocoDataset is datasets.ZeroShotCocoDataset
"""


@pytest.mark.slow
def test_what_needs_mmdet_is_imported_on_demand() -> None:
    of_mmdet = [part for part, needs in parts.NEEDS.items() if 'mmdet' in needs]
    lazy = [part for part in of_mmdet if not part.startswith('models.')]
    run = subprocess.run(
        [sys.executable, '-c', ON_DEMAND.format(parts=lazy)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == '[]'
    assert 'faster_coco_eval' not in run.stderr


@needs_ops
def test_all_names_of_packages_are_there() -> None:
    for room in ROOMS:
        package = import_module(f'{parts.PACKAGE}.{room}')
        for name in package.__all__:
            assert getattr(package, name) is not None, name
    with pytest.raises(AttributeError, match="'mmfewshot_seg.datasets' has no attribute 'Nothing'"):
        mmfewshot_seg.datasets.Nothing  # noqa: B018


START = """
import sys
sys.path.insert(0, 'tests')
sys.modules.update(dict.fromkeys({hidden}))
import torch
from mmfewshot_seg import apis, datasets, engine, evaluation, models, registry, visualization

def tell(ask, *args):
    try:
        print('FOUND', ask(*args))
    except ImportError as error:
        print('TOLD', str(error).replace(chr(10), ' '))

for place, name in {asked}:
    if place.isupper():
        tell(getattr(registry, place).root.build, dict(type=f'mmfewshot_seg.{{name}}'))
    else:
        tell(getattr, globals()[place], name)
"""

FEW_SHOT = """
model = registry.MODELS.build(dict(
    type='mmfewshot_seg.FewShotSegmentor',
    backbone=dict(type='mmseg.ResNet', depth=18, num_stages=1, out_indices=(0,), strides=(1,),
                  dilations=(1,)),
    decode_head=dict(type='mmfewshot_seg.PANetHead', in_index=0),
    data_preprocessor=dict(type='mmfewshot_seg.EpisodeDataPreProcessor'),
)).eval()
masks = torch.zeros(1, 1, 2, 32, 32, dtype=torch.long)
masks[..., 8:24, 8:24] = 1
with torch.no_grad():
    state = model.fit_support(torch.rand(1, 1, 2, 3, 32, 32), masks)
assert state.prototypes.shape == (1, 2, 64)  # background and one way
"""

SEMANTIC = """
neck = registry.MODELS.build(dict(
    type='mmfewshot_seg.JointPyramidUpsampling', in_channels=(4, 6), mid_channels=2, out='fused'))
head = registry.MODELS.build(dict(
    type='mmfewshot_seg.DualAttentionHead', in_channels=8, channels=8, num_classes=3))
with torch.no_grad():
    levels = torch.rand(1, 4, 8, 8), torch.rand(1, 6, 4, 4)
    assert head.eval()(neck.eval()(levels))[0].shape == (1, 3, 8, 8)
"""

DETECTION = """
from helpers import refinemask_configs, zeroshot_configs
from mmdet.structures import DetDataSample
size = (64, 64)
for config in (refinemask_configs.detector(refinemask_configs.roi_head()),
               zeroshot_configs.detector()):
    sample = DetDataSample(metainfo=dict(
        img_shape=size, ori_shape=size, scale_factor=(1, 1), batch_input_shape=size))
    model = registry.MODELS.build(config).eval()
    with torch.no_grad():
        (found,) = model.predict(torch.rand(1, 3, *size), [sample])
    assert found.pred_instances.masks.shape[1:] == size
"""

# What needs it, by the registry or package that is asked.
OF_MMSEG = {
    'MODELS': ['FewShotSegmentor', 'DualAttentionHead'],
    'DATASETS': ['LabelledImages', 'SegDatasetSource'],
    'TRANSFORMS': ['LoadLabels'],
    'HOOKS': ['LabelReportHook'],
    'VISUALIZERS': ['SemanticVisualizer'],
    'apis': ['FewShotInferencer'],
    'models': ['fewshot', 'semseg'],
    'datasets': ['LabelledImages', 'ResizeLongSide'],
    'engine': ['LabelReportHook'],
    'visualization': ['SemanticVisualizer'],
}
OF_OPS = {
    'MODELS': ['RefineRoIHead', 'ZeroShotMaskRCNN'],
    'TASK_UTILS': ['V1AnchorGenerator'],
    'VISUALIZERS': ['RefineMaskVisualizer'],
    'apis': ['ZeroShotInferencer'],
    'models': ['refinemask', 'zeroshot'],
    'visualization': ['RefineMaskVisualizer'],
}
OF_MMDET = OF_OPS | {
    'DATASETS': ['ZeroShotCocoDataset'],
    'METRICS': ['BoundaryCocoMetric'],
    'datasets': ['CheckedCocoDataset'],
    'evaluation': ['LVISv1Metric'],
}
INSTALL = 'mmfewshot_seg needs {0}, which is not installed. Install it: pip install {1}'


@pytest.mark.slow
@pytest.mark.parametrize(
    ('hidden', 'told', 'cure', 'works'),
    [
        ('mmseg', OF_MMSEG, INSTALL.format('mmseg', requirement('mmseg')), DETECTION),
        ('mmdet', OF_MMDET, INSTALL.format('mmdet', requirement('mmdet')), FEW_SHOT + SEMANTIC),
        pytest.param('mmcv._ext', OF_OPS, 'make ops', FEW_SHOT + SEMANTIC, marks=without_ops),
    ],
)
def test_what_is_missing_is_told_and_the_rest_works(hidden, told, cure, works) -> None:
    asked = [(place, name) for place, names in told.items() for name in names]
    code = START.format(hidden=[hidden], asked=asked) + works
    run = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        capture_output=True,
        text=True,
        cwd=TESTS.parent,
    )
    assert run.returncode == 0, run.stderr
    answers = [x for x in run.stdout.splitlines() if x.startswith(('TOLD', 'FOUND'))]
    for (_, name), answer in zip(asked, answers, strict=True):
        assert answer.startswith(f'TOLD {name} cannot be imported: ')
        assert cure in answer


OPENMMLAB = """
import sys
sys.modules['mmcv._ext'] = None
from mmfewshot_seg import compat
compat.host_stack = lambda: 'openmmlab'
from mmfewshot_seg.registry import METRICS, MODELS
print(METRICS.get('FewShotIoUMetric').__name__)
MODELS.build(dict(type='mmfewshot_seg.PANetHead'))
"""


@pytest.mark.slow
def test_hosts_of_openmmlab_need_the_ops_themselves() -> None:
    run = subprocess.run([sys.executable, '-c', OPENMMLAB], capture_output=True, text=True)
    assert 'FewShotIoUMetric' in run.stdout
    told = "PANetHead cannot be imported: OpenMMLab's mmseg needs mmcv's compiled ops"
    assert told in run.stderr
    assert 'make ops STACK=openmmlab' in run.stderr


def test_timm_is_asked_for_when_its_encoder_is_built(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(ImportError, match=r"need timm. .*pip install 'mmfewshot_seg\[photos\]'"):
        ROOT_MODELS.build(dict(type='mmfewshot_seg.TimmEncoder', model_name='resnet18'))
