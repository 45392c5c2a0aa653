"""Export of a network of this package, whatever its kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS, MODELS, init_default_scope
from torch import nn

from mmfewshot_seg.apis.checkpoint_hook import check_trained_on
from mmfewshot_seg.apis.config_checks import check_parts
from mmfewshot_seg.apis.pretrained import PRETRAINED, load_pretrained
from mmfewshot_seg.apis.run_config import existing_checkpoint, load_config
from mmfewshot_seg.apis.weights_fit import load_for_prediction
from mmfewshot_seg.checkpoints import checkpoint_gate, read_checkpoint
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.export.onnx_file import Graph, require_exporter
from mmfewshot_seg.files.whole_file import whole_folder


def export_model(
    config: str,
    weights: str,
    out: str | Path,
    size: tuple[int, int] | None = None,
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
) -> dict[str, Graph]:
    """Write the graphs of a network into a folder, all or none, compared with PyTorch.

    Args:
        config: Config file, or the name of a config of this package.
        weights: Checkpoint; ``'pretrained'``: of a model that works without training, those that
            its config names.
        out: Folder to make, which does not exist or is empty.
        size: Height and width to make graphs with that serve one size; by default that of the
            config's transforms.
        cfg_options: ``key=value`` options of the config.
        trust_checkpoint: Whether ``weights`` may hold code, and it may run; else it is refused.

    Returns:
        The graphs by the names of their files.

    Raises:
        UsageError: If an argument or the config is wrong, or PyTorch is too old.
        CheckpointError: If the weights cannot be read or do not fit.
        ValueError: If the network cannot be exported, or a graph differs from PyTorch.
        OSError: If ``out`` cannot be written.
    """
    require_exporter()
    _check_folder(Path(out))
    cfg = load_config(config, cfg_options)
    check_parts(cfg, ('model',))
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    checkpoint: Mapping = {}
    if weights == PRETRAINED:
        load_pretrained(model)
    else:
        with checkpoint_gate(trust_checkpoint):
            checkpoint = read_checkpoint(existing_checkpoint(weights))
        check_trained_on(model, checkpoint)
        load_for_prediction(model, checkpoint['state_dict'], weights)
    meta = dict(model=Path(config).stem, classes=_class_names(cfg, checkpoint))
    with torch.no_grad(), whole_folder(out) as folder:
        return _exporter(model)(model.eval(), cfg, folder, meta, size)


def _check_folder(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f'{out} exists and is not an empty folder: name another one')


def _exporter(model: nn.Module):
    """What exports models of this kind."""
    kind = type(model).__name__
    if hasattr(model, 'fit_support'):
        from mmfewshot_seg.export.fewshot_graphs import export_fewshot

        return export_fewshot
    if kind in ('EncoderDecoder', 'GatedSCNN'):
        from mmfewshot_seg.export.semantic_graph import export_semantic

        return export_semantic
    if hasattr(model, 'roi_head'):
        from mmfewshot_seg.models.refinemask.refine_mask_mixin import RefineMaskMixin

        if isinstance(model.roi_head, RefineMaskMixin):
            from mmfewshot_seg.export.refinemask_graphs import export_refinemask

            return export_refinemask
        kind += f' with {type(model.roi_head).__name__}'
    raise ValueError(
        f'{kind} cannot be exported; there are FewShotSegmentor, EncoderDecoder, GatedSCNN, and of '
        'detectors the mask branch of RefineMask'
    )


def _class_names(cfg: Config, checkpoint: Mapping) -> list[str] | None:
    """Names of the labels: of the training, or of the data set of the config's test."""
    trained_on = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
    dataset: Any = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    kind = DATASETS.get(dataset['type']) if 'type' in dataset else None
    for meta in (trained_on, dataset.get('metainfo') or {}, getattr(kind, 'METAINFO', {})):
        if meta.get('classes'):
            return list(meta['classes'])
    return None
