"""Configs cut to a step on few small images; layers keep their width."""

from mmengine.config import Config

SIDE = 65  # 8 k + 1, as ASGNet wants it
FEW = dict(max_per_img=4, nms_pre=50)  # detections and proposals
SIZES = ('scale', 'scales', 'size', 'crop_size', 'stride', 'long_side', 'img_scale')
fromfile = Config.fromfile


def small(*args, **kwargs) -> Config:
    """``Config.fromfile``; what the config trains, tests and draws takes a second or two."""
    config = fromfile(*args, **kwargs)
    for key, value in config.items():
        if isinstance(value, dict | list | tuple):
            config[key] = _shrunk(value)
    for name in ('train', 'val', 'test'):
        if loader := config.get(f'{name}_dataloader'):
            _shorten(loader, training=name == 'train')
    loop = config.get('train_cfg') or {}
    for key in ('max_iters', 'max_epochs', 'val_interval'):
        if key in loop:
            loop[key] = 1
    if hook := config.get('default_hooks', {}).get('checkpoint'):
        hook.update(interval=1, save_optimizer=False)
    return config


def last_checkpoint(path: str) -> str:
    """Name of the last checkpoint that the config as it is would write."""
    loop = fromfile(path).train_cfg
    unit = 'iter' if 'max_iters' in loop else 'epoch'
    return f'{unit}_{loop[f"max_{unit}s"]}.pth'


def _shrunk(node):
    """Nothing above SIDE pixels, nothing downloaded, no norm that needs a GPU."""
    if isinstance(node, list | tuple):
        return type(node)(_shrunk(value) for value in node)
    if not isinstance(node, dict):
        return 'BN' if node == 'SyncBN' else node
    if node.get('type') == 'Pretrained' and '://' in node.get('checkpoint', ''):
        return node if node['checkpoint'].startswith('packaged://') else None
    if '://' in (node.get('pretrained') or ''):
        node['pretrained'] = None
    for key, value in node.items():
        node[key] = _at_most_side(value) if key in SIZES else _shrunk(value)
    node.update({key: min(node[key], few) for key, few in FEW.items() if key in node})
    if node.get('type') == 'RandomSampler':
        node['num'] = min(node['num'], 8)
    return node


def _at_most_side(value):
    if isinstance(value, list | tuple):
        return type(value)(_at_most_side(item) for item in value)
    return min(value, SIDE) if isinstance(value, int) else value


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
