"""RoI heads of mmdet with work of their own, beside which the mask branch goes or does not go."""

from collections.abc import Iterable, Mapping

_TOGETHER = {
    'reg_roi_scale_factor': 'DoubleHeadRoIHead',
    'dynamic_rcnn': 'DynamicRoIHead',
    'isr': 'PISARoIHead',
    'carl': 'PISARoIHead',
}
"""Those that leave the mask branch alone, by their options."""

_APART = {
    'mask_iou_head': 'MaskScoringRoIHead',
    'point_head': 'PointRendRoIHead',
    'grid_head': 'GridRoIHead',
    'grid_roi_extractor': 'GridRoIHead',
    'feat_relay_head': 'SCNetRoIHead',
    'glbctx_head': 'SCNetRoIHead',
    'mask_info_flow': 'HybridTaskCascadeRoIHead',
    'interleaved': 'HybridTaskCascadeRoIHead',
    'semantic_head': 'HybridTaskCascadeRoIHead or SCNetRoIHead',
    'semantic_roi_extractor': 'HybridTaskCascadeRoIHead or SCNetRoIHead',
    'semantic_fusion': 'HybridTaskCascadeRoIHead',
    'proposal_feature_channel': 'SparseRoIHead',
}
"""Those that have a mask branch of their own, or none, by their options."""


def foreign_work(
    cls: type, options: Iterable[str], train_cfg: Mapping | list | None
) -> tuple[str, str] | None:
    """What a RoI head of RefineMask would leave undone.

    Args:
        cls: The RoI head.
        options: Names of its options.
        train_cfg: Its ``train_cfg``; a cascade has a list.

    Returns:
        What was found, and what is expected; None if nothing is left undone.
    """
    bases = {base.__name__ for base in cls.__mro__}
    for option in (*options, *(train_cfg if isinstance(train_cfg, Mapping) else ())):
        owner = _TOGETHER.get(option)
        if owner and owner not in bases:
            return (
                f'{option}, which is of {owner}',
                f'a class of yours that is both: class MyRoIHead({cls.__name__}, {owner}): pass',
            )
        if option in _APART:
            return f'{option}, which is of {_APART[option]}', _OWN_MASKS
    for owner in _APART.values():
        if owner in bases:
            return f'the base {owner}', _OWN_MASKS
    return None


_OWN_MASKS = (
    'none of it: what it does with masks cannot be combined with RefineMask; use the box heads of '
    'a Mask R-CNN or Cascade Mask R-CNN'
)
