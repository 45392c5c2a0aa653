"""Configs made small for tests: few small images, narrow layers, a training of one step."""

import inspect

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import MODELS

SIDE = 65  # 8 k + 1, as ASGNet wants it
SIZES = ('scale', 'scales', 'size', 'crop_size', 'stride', 'long_side', 'img_scale')
# RoIs of a sampler, detections and proposals: to be quick, and to have some of random weights
FEW = dict(num=8, max_per_img=4, nms_pre=50)
MORE = dict(num=8, max_per_img=20, nms_pre=20)
fromfile = Config.fromfile


def small_config(*args, **kwargs) -> Config:
    """``Config.fromfile``; what the config trains, tests and draws takes a second or two."""
    config = fromfile(*args, **kwargs)
    for key, value in config.items():
        if isinstance(value, dict | list | tuple):
            config[key] = offline(small_images(value), FEW)
    for name in ('train', 'val', 'test'):
        if loader := config.get(f'{name}_dataloader'):
            _shorten(loader, training=name == 'train')
    hook, loop = config.get('default_hooks', {}).get('checkpoint'), config.get('train_cfg') or {}
    for unit in ('iter', 'epoch'):
        if hook and f'max_{unit}s' in loop:  # under the name that the whole training would give it
            hook.update(interval=1, save_optimizer=False)
            hook['filename_tmpl'] = f'{unit}_{loop[f"max_{unit}s"]}.pth'
    loop.update({key: 1 for key in ('max_iters', 'max_epochs', 'val_interval') if key in loop})
    return config


def small_images(node, side: int = SIDE):
    """Of a pipeline, or of anything that holds some: sizes of images are at most ``side``."""
    if isinstance(node, list | tuple):
        return type(node)(small_images(value, side) for value in node)
    if isinstance(node, dict):
        for key, value in node.items():
            node[key] = _at_most(value, side) if key in SIZES else small_images(value, side)
    return node


def offline(node, most: dict[str, int]):
    """Nothing is downloaded, no norm needs a process group; RoIs and detections are limited."""
    if isinstance(node, list | tuple):
        return type(node)(offline(value, most) for value in node)
    if not isinstance(node, dict):
        return 'BN' if node == 'SyncBN' else node
    if node.get('type') == 'Pretrained' and '://' in node.get('checkpoint', ''):
        return node if node['checkpoint'].startswith('packaged://') else None
    if '://' in (node.get('pretrained') or ''):
        node['pretrained'] = None
    for key, value in node.items():
        node[key] = _at_most(value, most[key]) if key in most else offline(value, most)
    return node


def narrow(model, scope: str, factor: int = 16):
    """A model's config with a part of the channels, of those its classes have by default too.

    Networks that are narrow as they are keep their widths.
    """
    init_default_scope(scope)
    offline(model, MORE)
    model['backbone']['init_cfg'] = None
    if model['backbone'].get('base_channels', 64) == 64 and 'model_name' not in model['backbone']:
        _narrow(model, factor)
    return model


def _narrow(node, factor: int) -> None:
    for value in list(node.values()) if isinstance(node, dict) else node:
        if isinstance(value, dict | list | tuple):
            _narrow(value, factor)
    if isinstance(node, dict):
        for key, value in {**_defaults(node.get('type')), **node}.items():
            if key.endswith('channels') or key == 'num_groups':
                node[key] = _divided(value, factor)


def _defaults(name) -> dict:
    """What a class of models takes, those it inherits from included, if it is not told."""
    with MODELS.switch_scope_and_registry(None) as registry:
        kind = registry.get(name) if isinstance(name, str) else None
    found: dict = {}
    for parent in kind.__mro__ if inspect.isclass(kind) else ():
        if '__init__' in vars(parent):
            parameters = inspect.signature(parent.__init__).parameters.values()
            found = {p.name: p.default for p in parameters if p.default is not p.empty} | found
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return found


def _divided(value, factor: int):
    if isinstance(value, list | tuple):
        return type(value)(_divided(item, factor) for item in value)
    return max(value // factor, 2) if isinstance(value, int) and value > 3 else value


def _at_most(value, most: int):
    if isinstance(value, list | tuple):
        return type(value)(_at_most(item, most) for item in value)
    return min(value, most) if isinstance(value, int) else value


def _shorten(loader, training: bool) -> None:
    """Two images a step, for norms want more than one value; two episodes a test."""
    loader.update(num_workers=0, persistent_workers=False, batch_size=2 if training else 1)
    dataset = loader.dataset
    while 'dataset' in dataset:
        dataset.update({key: 1 for key in ('times',) if key in dataset})
        dataset = dataset.dataset
    if dataset.get('type') != 'mmfewshot_seg.FewShotDataset':
        dataset.indices = 2
        return
    if 'min_area' in dataset.get('protocol', {}):
        dataset.protocol.min_area = 0
    if not training:
        dataset.update(num_episodes=2, num_runs=1)
