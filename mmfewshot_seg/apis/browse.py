"""Pictures of what training or a test sees: the items of a config's data loader."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from mmengine.structures import BaseDataElement
from mmengine.utils import track_iter_progress
from torch.utils.data import DataLoader, Dataset

from mmfewshot_seg.apis.config_checks import check_data_paths, check_parts
from mmfewshot_seg.apis.run_config import load_config
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.structures import Episode

SPLITS = ('train', 'val', 'test')


def browse(
    config: str,
    out_dir: str | Path,
    num: int = 8,
    split: str = 'train',
    cfg_options: Sequence[str] = (),
) -> list[Path]:
    """Draw items of a data loader, after its pipeline.

    Of training the first items that it would see with the seed of the config (0 if it has none),
    of a test items at equal distances.

    Args:
        config: Config file of few-shot, zero-shot, instance or semantic segmentation.
        out_dir: Folder of the pictures.
        num: How many.
        split: ``'train'``, ``'val'`` or ``'test'``.
        cfg_options: ``key=value`` options.

    Returns:
        The pictures.

    Raises:
        UsageError: If an argument or the file of the config is wrong.
    """
    if num < 1:
        raise UsageError(f'the number of pictures must be at least 1, not {num}')
    cfg = load_config(config, cfg_options)
    name = f'{split}_dataloader'
    check_parts(cfg, (name,))
    check_data_paths(cfg, (name,))
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    seed = cfg.get('randomness', {}).get('seed') or 0
    loader = Runner.build_dataloader(cfg[name], seed=seed)
    set_random_seed(seed)
    indices = list(_indices(loader, num, split))
    return [
        _draw(loader.dataset, index, Path(out_dir), f'{split}_{place:05d}')
        for place, index in track_iter_progress(indices)
    ]


def _indices(loader: DataLoader, num: int, split: str) -> Iterator[tuple[int, int]]:
    """Pairs of the number that names a picture, and the index of its item."""
    batches: Any = loader.batch_sampler
    if split == 'train':
        return islice(enumerate(chain.from_iterable(batches)), num)
    dataset: Any = loader.dataset
    total = len(dataset)
    return ((i, i) for i in sorted({place * total // num for place in range(num)}) if i < total)


def _draw(dataset: Dataset, index: int, out_dir: Path, name: str) -> Path:
    """Write the picture of one item."""
    item = dataset[index]
    sample = item.get('data_samples')
    if isinstance(sample, Episode):
        from mmfewshot_seg.visualization.episode_visualizer import episode_name, episode_picture

        picture = episode_picture(item['inputs'], sample)
        name = episode_name(name.split('_')[0], sample)
    elif isinstance(sample, BaseDataElement):
        picture = _picture(dataset, item)
        name = f'{name}_{Path(sample.metainfo.get("img_path", "")).stem}'
    else:
        raise UsageError(
            f'{type(dataset).__name__} gives no packed sample: its pipeline must end with '
            'PackDetInputs or PackSegInputs'
        )
    path = out_dir / f'{name}.png'
    mmcv.imwrite(picture[..., ::-1], str(path), backend_args=WHOLE)
    return path


def _picture(dataset: BaseDataset, item: dict) -> np.ndarray:
    """Picture of a sample of MMDetection or MMSegmentation."""
    from mmfewshot_seg.visualization.sample_pictures import sample_picture

    meta, sample = dataset.metainfo, item['data_samples']
    classes = meta.get('classes') or ()
    if meta.get('mode') == 'generalized':
        unseen = set(meta['unseen_classes'])
        classes = [f'{name} (unseen)' if name in unseen else name for name in classes]
    palette = meta.get('palette')
    if not isinstance(palette, Sequence) or isinstance(palette, str):
        palette = None
    # A test measures boxes in the image as it was before the pipeline.
    frame = sample.metainfo.get('ori_shape') if getattr(dataset, 'test_mode', False) else None
    return sample_picture(item['inputs'], sample, classes, palette, frame)
