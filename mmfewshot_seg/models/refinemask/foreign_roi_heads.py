"""RoI heads of mmdet with work of their own, beside which the mask branch goes or does not go."""

from collections.abc import Iterable, Mapping

_TOGETHER = {
    'reg_roi_scale_factor': 'DoubleHeadRoIHead',
    'dynamic_rcnn': 'DynamicRoIHead',
    'isr': 'PISARoIHead',
    'carl': 'PISARoIHead',
    'grid_head': 'GridRoIHead',
    'grid_roi_extractor': 'GridRoIHead',
    'mask_info_flow': 'HybridTaskCascadeRoIHead',
    'interleaved': 'HybridTaskCascadeRoIHead',
    'semantic_head': 'HybridTaskCascadeRoIHead',
    'semantic_roi_extractor': 'HybridTaskCascadeRoIHead',
    'semantic_fusion': 'HybridTaskCascadeRoIHead',
}
"""Those that leave the mask branch alone, by their options."""

_OURS = {
    'GridRoIHead': 'GridRefineRoIHead',
    'HybridTaskCascadeRoIHead': 'HybridTaskCascadeRefineRoIHead',
}
"""Of these, those that need more than a class statement."""

_APART = {
    'mask_iou_head': 'MaskScoringRoIHead',
    'point_head': 'PointRendRoIHead',
    'feat_relay_head': 'SCNetRoIHead',
    'glbctx_head': 'SCNetRoIHead',
    'proposal_feature_channel': 'SparseRoIHead',
}
"""Those that have a mask branch of their own, by their options."""

_REASONS = {
    'MaskScoringRoIHead': 'its scores are those of masks for all classes at twice the size of the '
    'RoI features, RefineMask has the mask of one class, merged of all stages',
    'PointRendRoIHead': 'it refines masks too, from a coarse mask for all classes',
    'SCNetRoIHead': 'it feeds features of its box and context branches to a mask head that has '
    'one loss',
    'SparseRoIHead': 'its mask heads take the features of queries, and labels are chosen behind '
    'them',
}


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
            return f'{option}, which is of {owner}', _cure(cls, owner)
        if option in _APART:
            return f'{option}, which is of {_APART[option]}', _refusal(_APART[option])
    for owner in _REASONS:
        if owner in bases:
            return f'the base {owner}', _refusal(owner)
    return None


def _cure(cls: type, owner: str) -> str:
    if owner in _OURS:
        return f'that of {_OURS[owner]}, which is both'
    return f'a class of yours that is both: class MyRoIHead({cls.__name__}, {owner}): pass'


def _refusal(owner: str) -> str:
    return (
        f'none of it: {_REASONS[owner]}; take the box heads of a Mask R-CNN or Cascade Mask R-CNN'
    )
