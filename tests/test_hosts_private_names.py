"""Private names of hosts that the package needs: each is still there, and no use is forgotten.

A host may rename what is private in any release. Then the test of its row says who needs it.
"""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import mmfewshot_seg

PACKAGE = Path(mmfewshot_seg.__file__).parent
FILES = [path for path in sorted(PACKAGE.rglob('*.py')) if '.mim' not in path.parts]

# Owner (a module, or a class in it), private name, and the files that need it.
NAMES = [
    ('mmcv.transforms:Resize', '_resize_img', ['datasets/transforms/resize_long_side']),
    ('mmdet.apis:DetInferencer', '_init_pipeline', ['apis/zeroshot_inferencer']),
    ('mmdet.apis:DetInferencer', '_inputs_to_list', ['apis/zeroshot_inferencer']),
    ('mmdet.apis:DetInferencer', '_load_weights_to_model', ['apis/zeroshot_inferencer']),
    (
        'mmdet.models.dense_heads:RPNHead',
        '_init_layers',
        ['models/zeroshot/background_aware_rpn_head'],
    ),
    (
        'mmdet.models.detectors:TwoStageDetector',
        '_forward',
        ['models/zeroshot/zero_shot_detectors'],
    ),
    (
        'mmdet.models.roi_heads:CascadeRoIHead',
        '_refine_roi',
        ['models/refinemask/cascade_refine_roi_head'],
    ),
    (
        'mmdet.models.roi_heads:HybridTaskCascadeRoIHead',
        '_bbox_forward',
        ['models/refinemask/htc_refine_roi_head'],
    ),
    (
        'mmdet.models.roi_heads:StandardRoIHead',
        '_bbox_forward',
        ['models/refinemask/refine_roi_head', 'models/zeroshot/zero_shot_roi_head'],
    ),
    (
        'mmdet.models.roi_heads:StandardRoIHead',
        '_mask_forward',
        ['models/zeroshot/zero_shot_roi_head'],
    ),
    (
        'mmdet.models.roi_heads.bbox_heads:BBoxHead',
        '_predict_by_feat_single',
        ['models/zeroshot/zero_shot_bbox_head'],
    ),
    ('mmengine.dataset:BaseDataset', '_metainfo', ['datasets/zeroshot_coco']),
    (
        'mmengine.hooks:CheckpointHook',
        '_save_best_checkpoint',
        ['files/whole_checkpoints'],
    ),
    (
        'mmengine.hooks:CheckpointHook',
        '_save_checkpoint_with_step',
        ['files/whole_checkpoints'],
    ),
    ('mmengine.infer:BaseInferencer', '_dispatch_kwargs', ['apis/fewshot_inferencer']),
    ('mmengine.infer:BaseInferencer', '_get_chunk_data', ['apis/fewshot_inferencer']),
    ('mmengine.infer:BaseInferencer', '_get_models_from_metafile', ['apis/run_config']),
    ('mmengine.infer:BaseInferencer', '_get_repo_or_mim_dir', ['apis/run_config']),
    ('mmengine.infer:BaseInferencer', '_init_collate', ['apis/fewshot_inferencer']),
    (
        'mmengine.infer:BaseInferencer',
        '_init_model',
        ['apis/package_inferencer', 'apis/zeroshot_inferencer'],
    ),
    ('mmengine.infer:BaseInferencer', '_init_pipeline', ['apis/support_set_inferencer']),
    ('mmengine.infer:BaseInferencer', '_init_visualizer', ['apis/fewshot_inferencer']),
    ('mmengine.infer:BaseInferencer', '_load_model_from_metafile', ['apis/package_inferencer']),
    (
        'mmengine.infer:BaseInferencer',
        '_load_weights_to_model',
        ['apis/package_inferencer', 'apis/support_set_inferencer'],
    ),
    ('mmengine.logging:HistoryBuffer', '_statistics_methods', ['files/data_pickle']),
    (
        'mmengine.model:ImgDataPreprocessor',
        '_enable_normalize',
        ['models/fewshot/episode_data_preprocessor', 'models/semseg/gated_scnn'],
    ),
    ('mmengine.model:ImgDataPreprocessor', '_channel_conversion', ['compat']),
    ('mmengine.runner:CheckpointLoader', '_get_checkpoint_loader', ['checkpoints/gate']),
    ('mmengine.runner:Runner', '_load_from', ['apis/checkpoint_hook']),
    ('mmengine.runner:Runner', '_resume', ['apis/checkpoint_hook']),
    (
        'mmengine.utils.dl_utils.parrots_wrapper',
        '_BatchNorm',
        ['models/semseg/gated_conv', 'models/semseg/norms'],
    ),
    (
        'mmseg.datasets.transforms:LoadAnnotations',
        '_load_seg_map',
        ['datasets/transforms/load_labels'],
    ),
    ('mmseg.models.segmentors:BaseSegmentor', '_forward', ['models/fewshot/fewshot_segmentor']),
    (
        'mmseg.models.decode_heads.decode_head:BaseDecodeHead',
        '_stack_batch_gt',
        ['models/semseg/dual_attention_head', 'models/semseg/gated_scnn_head'],
    ),
    (
        'mmseg.models.decode_heads.decode_head:BaseDecodeHead',
        '_transform_inputs',
        ['models/semseg/dual_attention_head', 'models/semseg/gated_scnn_head'],
    ),
    (
        'pycocotools.cocoeval:COCOeval',
        '_prepare',
        ['evaluation/boundary_ap', 'evaluation/lvis_rules'],
    ),
    ('pycocotools.cocoeval:COCOeval', '_gts', ['evaluation/image_pairs', 'evaluation/lvis_rules']),
    ('pycocotools.cocoeval:COCOeval', '_dts', ['evaluation/image_pairs', 'evaluation/lvis_rules']),
    ('torch.nn.modules.batchnorm', '_BatchNorm', ['models/encoders/timm_encoder']),
    ('torch.nn.modules.module', '_metadata', ['checkpoints/gate']),
    (
        'torch.nn:Module',
        '_register_load_state_dict_pre_hook',
        ['models/semseg/foreign_layout'],
    ),
]
OF_PYTHON = {('_exit', 'command')}  # os._exit


def _owner(path: str) -> object:
    module, _, name = path.partition(':')
    found = pytest.importorskip(module)
    return getattr(found, name) if name else found


@pytest.mark.parametrize(('owner', 'name', 'users'), NAMES, ids=[f'{o}.{n}' for o, n, _ in NAMES])
def test_the_host_still_has_it(owner: str, name: str, users: list[str]) -> None:
    """As an attribute, or as one of an instance, which its source tells."""
    found = _owner(owner)
    there = hasattr(found, name) or name in inspect.getsource(found)
    assert there, f'{owner} no longer has {name}, which is needed by {", ".join(users)}'


def _own_overrides() -> dict[tuple[str, str], tuple]:
    """By private name and file of ours: our function and that of the host which it replaces."""
    found = {}
    for module in pkgutil.walk_packages(mmfewshot_seg.__path__, 'mmfewshot_seg.'):
        try:
            content = vars(importlib.import_module(module.name))
        except ImportError:  # a host or ops are missing
            continue
        file = module.name.removeprefix('mmfewshot_seg.').replace('.', '/')
        for cls in content.values():
            if not inspect.isclass(cls) or cls.__module__ != module.name:
                continue
            for name, ours in vars(cls).items():
                if _is_private(name) and inspect.isfunction(ours):
                    hosts = [vars(b)[name] for b in cls.__mro__[1:] if name in vars(b)]
                    hosts = [h for h in hosts if not h.__module__.startswith('mmfewshot_seg')]
                    if hosts:
                        found[name, file] = ours, hosts[0]
    return found


def _is_private(name: str) -> bool:
    return name.startswith('_') and not name.startswith('__')


def test_every_use_is_listed() -> None:
    """Names that nothing in this package defines, and methods that replace those of a host."""
    listed = {(name, user) for _, name, users in NAMES for user in users} | OF_PYTHON
    trees = {path: ast.parse(path.read_text(encoding='utf-8')) for path in FILES}
    nodes = {path: list(ast.walk(tree)) for path, tree in trees.items()}
    own = set().union(*map(_defined, nodes.values()))
    used = set(_own_overrides())
    for path, found in nodes.items():
        file = path.relative_to(PACKAGE).with_suffix('').as_posix()
        names = {node.attr for node in found if isinstance(node, ast.Attribute)}
        for node in found:
            if isinstance(node, ast.ImportFrom):
                names.update(alias.name for alias in node.names)
        used |= {(name, file) for name in names - own if _is_private(name)}
    assert used <= listed, f'not in the table of this test: {sorted(used - listed)}'


def _defined(nodes: list[ast.AST]) -> set[str]:
    """Names of functions and classes, and of what is assigned."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def test_the_table_is_not_out_of_date() -> None:
    for _, name, users in NAMES:
        for user in users:
            assert name in (PACKAGE / f'{user}.py').read_text(encoding='utf-8'), (name, user)


def test_replaced_methods_take_what_the_host_gives() -> None:
    """Parameters of ours begin with those of the host's, so that any call of the host fits."""
    overrides = _own_overrides()
    assert overrides
    for (name, file), (ours, host) in overrides.items():
        mine, its = inspect.signature(ours).parameters, inspect.signature(host).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in mine.values()):
            continue
        assert list(mine)[: len(its)] == list(its), f'{name} of {file}: the host has {list(its)}'
