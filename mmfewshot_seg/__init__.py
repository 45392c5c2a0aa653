"""Few-shot and high-quality segmentation for MMDetection 3.x and MMSegmentation 1.x.

Importing the package is cheap: models, data sets and metrics are imported by the registries
when a config first names one of them.
"""

from mmfewshot_seg.version import __version__

__all__ = ['__version__']
