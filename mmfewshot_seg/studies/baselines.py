"""Yardsticks of a few-shot config."""

import sys
from collections.abc import Sequence

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from mmfewshot_seg.apis.config_checks import check_data_paths, check_parts
from mmfewshot_seg.apis.run_config import load_config
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.registry import DATASETS
from mmfewshot_seg.studies.mask_baselines import mask_baselines


def baselines(config: str, cfg_options: Sequence[str] = ()) -> dict[str, float]:
    """mIoU of yardsticks without a network, on the test episodes of a few-shot config.

    Args:
        config: Config file.
        cfg_options: ``key=value`` options.

    Returns:
        See :func:`mask_baselines`.

    Raises:
        UsageError: If the config or its data is wrong.
    """
    cfg = load_config(config, cfg_options)
    check_parts(cfg, ('test_dataloader',))
    kind = cfg.test_dataloader.dataset.type
    if 'FewShotDataset' not in str(kind):
        raise UsageError(
            f'{cfg.filename} tests {kind}, no few-shot episodes; a zero-shot config is measured by '
            'tools/analysis_tools/zeroshot_baselines.py'
        )
    check_data_paths(cfg, ('test_dataloader',))
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return episode_baselines(cfg)


def episode_baselines(cfg: Config) -> dict[str, float]:
    """The same of a config that is loaded, in its default scope."""
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    items = (dataset[i] for i in range(len(dataset)))
    return mask_baselines(track_iter_progress((items, len(dataset)), file=sys.stderr))
