"""Networks as ONNX graphs: ``tools/export.py``."""

from mmfewshot_seg.export.export_model import export_model

__all__ = ['export_model']
