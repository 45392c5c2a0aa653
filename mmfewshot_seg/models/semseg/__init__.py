"""Semantic segmentation for MMSegmentation. Runs without compiled mmcv ops and without mmdet."""

__all__ = []
