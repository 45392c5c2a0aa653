"""Data sets for MMDetection, apart: its data sets take a quarter of the imports of all the rest."""

from mmfewshot_seg.parts import stands

if stands('datasets.checked_coco'):
    from mmfewshot_seg.datasets.checked_coco import CheckedCocoDataset
if stands('datasets.zeroshot_coco'):
    from mmfewshot_seg.datasets.zeroshot_coco import ZeroShotCocoDataset

__all__ = ['CheckedCocoDataset', 'ZeroShotCocoDataset']
