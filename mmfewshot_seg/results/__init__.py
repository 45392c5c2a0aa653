"""Instances of a label map, and files of them for other programs."""

from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import Instance, find_instances

__all__ = ['ImageResult', 'Instance', 'find_instances']
