"""Annotations as people have them: one reader of all formats, label maps, converters."""

from mmfewshot_seg.annotations.annotated_image import AnnotatedImage, AnnotationSet, MarkedObject
from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.annotations.convert import convert_annotations
from mmfewshot_seg.annotations.reader import read_annotations

__all__ = [
    'AnnotatedImage',
    'AnnotationSet',
    'MarkedObject',
    'annotation_label',
    'convert_annotations',
    'read_annotations',
]
